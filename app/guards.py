"""Who is asking, and the declaration on every route of who may."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from flask import Flask, Request, current_app, request

from app.errors import NotAllowed, NotFound, NotSignedIn
from app.ports import Port
from app.principal import CORE_AUDIENCE, SYSTEM, Kind, Principal, acting_as, principal
from app.text import Text

__all__ = [
    "CORE_AUDIENCE", "SYSTEM", "Access", "InsufficientAssurance", "InsufficientScope", "Kind", "OwnAffairsOnly",
    "Principal", "PurposeRequired", "TokenVerifier", "access_of", "acting_as", "audience", "authenticate", "authorise",
    "belongs", "install", "own_party", "principal", "public", "require", "token_verifier", "undeclared",
    "writes_on_get",
]  # fmt: skip

View = TypeVar("View", bound=Callable[..., Any])


class TokenVerifier(Protocol):
    """Turns the credential of a request into a Principal; identity registers one."""

    def verify(self, incoming: Request, *, audience: str) -> Principal | None:
        """Return who asks, None without a credential; raises `NotSignedIn` for a bad one."""


token_verifier: Port[TokenVerifier] = Port("token_verifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The declaration of one route: who may call it."""

    scopes: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    proofing_level: int = 0
    authentication_level: int = 0
    purpose: str | None = None
    own_affairs: bool = False
    public_because: str | None = None


class InsufficientScope(NotAllowed):
    title = Text("令牌缺少所需权限", "The token lacks a scope")
    next_step = Text("请申请 required 中列出的权限", "Ask for the scopes in `required`")


class InsufficientAssurance(NotAllowed):
    """RFC 9470: the caller can step up."""

    title = Text("认证等级不足", "A higher assurance is needed")
    next_step = Text("请提高实名或登录等级", "Log in again with the `acr` named here")


class OwnAffairsOnly(NotAllowed):
    """What nobody can do for somebody else, whatever they were given."""

    title = Text("此事只能为本人办理", "This can be done only for oneself")
    next_step = Text("请切换为「本人」后再办", "Switch to acting for yourself and try again")


class PurposeRequired(NotAllowed):
    title = Text("未声明用途", "The purpose is missing or not granted")
    next_step = Text("请以 required 中的用途重新授权", "Obtain a token for the purpose in `required`")


def require(
    *scopes: str,
    kinds: Iterable[Kind] = (),
    proofing_level: int = 0,
    authentication_level: int = 0,
    purpose: str | None = None,
    own_affairs: bool = False,
) -> Callable[[View], View]:
    """Declare who may call a route; everything named here must hold.

    `own_affairs` closes it to whoever acts for somebody else.
    """
    access = Access(
        scopes=scopes,
        kinds=tuple(kinds),
        proofing_level=proofing_level,
        authentication_level=authentication_level,
        purpose=purpose,
        own_affairs=own_affairs,
    )
    return _declare(access)


def public(*, because: str) -> Callable[[View], View]:
    """Declare a route that anyone may call, with the reason."""
    return _declare(Access(public_because=because))


def _declare(access: Access) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            authorise(access)
            return view(*args, **kwargs)

        guarded.__access__ = access  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def authorise(access: Access) -> None:
    """Let the caller pass, or raise the problem that says what is missing."""
    if access.public_because is not None:
        return
    who = authenticate()
    if who is None:
        raise NotSignedIn(headers={"WWW-Authenticate": "Bearer"})
    check(access, who)


def check(access: Access, who: Principal) -> None:
    """Let a known caller pass, or raise the problem that says what is missing."""
    missing = [scope for scope in access.scopes if scope not in who.scopes]
    if missing:
        needed = " ".join(access.scopes)
        raise InsufficientScope(
            required=list(access.scopes),
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'},
        )
    if access.kinds and who.kind not in access.kinds:
        raise NotAllowed(required_kinds=[kind.value for kind in access.kinds])
    if who.proofing_level < access.proofing_level or who.authentication_level < access.authentication_level:
        raise InsufficientAssurance(
            proofing_level=access.proofing_level,
            authentication_level=access.authentication_level,
            headers={"WWW-Authenticate": 'Bearer error="insufficient_user_authentication"'},
        )
    if access.own_affairs and who.acting_for is not None:
        raise OwnAffairsOnly()
    if access.purpose is not None and who.purpose != access.purpose:
        raise PurposeRequired(required=access.purpose)


def install(app: Flask) -> None:
    """Let `principal()` find out who asks."""
    app.extensions["suxin.authenticate"] = authenticate


def authenticate() -> Principal | None:
    """Return who asks, verified once per request, or None."""
    # Kept with the request: `g` may outlive it where an app context is already open.
    if _FOUND not in request.environ:
        request.environ[_FOUND] = token_verifier.only().verify(request, audience=audience())
    found: Principal | None = request.environ[_FOUND]
    return found


_AUDIENCE_KEY = "suxin.audiences"
_FOUND = "suxin.principal"


def own_party() -> str:
    """Return the party whose affairs a core route's caller sees to: its own, or whom it acts for.

    Raises `NotFound` for a caller that is none.
    """
    found = authenticate()
    if found is None or found.party is None:
        raise NotFound()
    return found.party


def audience() -> str:
    """Return the audience of the called route: the plugin's name, else the core's."""
    owners: dict[str, str] = current_app.extensions.get(_AUDIENCE_KEY, {})
    return owners.get(request.blueprint or "", CORE_AUDIENCE)


def belongs(app: Flask, blueprint: str, *, to: str) -> None:
    """State that a blueprint's routes are one plugin's own audience."""
    app.extensions.setdefault(_AUDIENCE_KEY, {})[blueprint] = to


def access_of(view: Any, method: str) -> Access | None:
    """Return the declaration of a view for one HTTP method, or None when it lacks one."""
    target = getattr(view, "view_class", None)
    handler = getattr(target, method.lower(), None) if target is not None else view
    if handler is None and method == "HEAD":
        handler = getattr(target, "get", None)
    found = getattr(handler, "__access__", None)
    return found if isinstance(found, Access) else None


def undeclared(app: Flask, endpoints: Iterable[str] | None = None) -> list[str]:
    """List `METHOD /rule` of every route that does not say who may call it."""
    wanted = None if endpoints is None else set(endpoints)
    missing = []
    for rule in app.url_map.iter_rules():
        if wanted is not None and rule.endpoint not in wanted:
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            if access_of(app.view_functions[rule.endpoint], method) is None:
                missing.append(f"{method} {rule.rule}")
    return missing


def writes_on_get(view: View) -> View:
    """Declare that answering GET changes something (an OAuth authorization does)."""
    view.__writes__ = True  # type: ignore[attr-defined]
    return view
