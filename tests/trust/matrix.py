"""Every declared route, tried by every kind of actor; what should happen is worked out here, apart from the guards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.guards import Access, Kind, access_of

SignIn = Callable[..., dict[str, str]]
KINDS = (Kind.CITIZEN, Kind.OFFICIAL, Kind.TERMINAL, Kind.CLIENT)
_GUARD_PROBLEMS = {"not-signed-in", "insufficient-scope", "insufficient-assurance", "purpose-required"}
_UNREACHED = frozenset({"OPTIONS", "HEAD"})


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one rule, with its declaration and the audience its tokens are for."""

    method: str
    rule: str
    path: str
    access: Access
    audience: str

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who tries: `who` makes a Principal, None means no token at all.

    `admitted` None: a public route may look at a bad credential and refuse it, or not look at all.
    """

    name: str
    admitted: bool | None
    who: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def routes(app: Flask) -> list[Route]:
    """Return every route of the city that is not static."""
    audiences: dict[str, str] = app.extensions.get("suxin.audiences", {})
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.rpartition(".")[2] == "static":
            continue
        audience = audiences.get(rule.endpoint.rpartition(".")[0], "suxin")
        for method in sorted((rule.methods or set()) - _UNREACHED):
            access = access_of(app.view_functions[rule.endpoint], method)
            assert access is not None, f"{method} {rule.rule} declares nobody"
            found.append(Route(method, rule.rule, _path(rule), access, audience))
    return found


def actors(route: Route) -> Iterator[Actor]:
    """Return everybody who tries a route, each with whether the declaration admits them."""
    access, public = route.access, route.access.public_because is not None
    yield Actor("nobody", public)
    ignored = None if public else False
    yield Actor("a forged token", ignored, headers={"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30.x"})
    yield Actor("another scheme", ignored, headers={"Authorization": "Basic dXNlcjpwYXNz"})
    for kind in KINDS:
        yield Actor(f"a full {kind}", public or not access.kinds or kind in access.kinds, _full(route, kind))
    if public:
        return
    kind = access.kinds[0] if access.kinds else Kind.CITIZEN
    full = _full(route, kind)
    for scope in access.scopes:
        yield Actor(f"{kind} without {scope}", False, {**full, "scopes": set(access.scopes) - {scope}})
    if access.scopes:
        yield Actor(f"{kind} with others' scopes", False, {**full, "scopes": {"openid:x", "suxin:all", "*"}})
    for level in ("proofing_level", "authentication_level"):
        if getattr(access, level):
            yield Actor(f"{kind} one {level} short", False, {**full, level: getattr(access, level) - 1})
    if access.purpose:
        yield Actor(f"{kind} without a purpose", False, {**full, "purpose": None})
        yield Actor(f"{kind} with another purpose", False, {**full, "purpose": "statistics"})


def admitted(client: FlaskClient, route: Route, actor: Actor, sign_in: SignIn) -> bool:
    """Tell whether the guard let an actor pass; what the service says afterwards is another matter."""
    headers = {**actor.headers, **(sign_in(**actor.who) if actor.who is not None else {})}
    answer = client.open(route.path, method=route.method, headers=headers, json={} if route.method != "GET" else None)
    if answer.status_code not in (401, 403):
        return True
    said = answer.get_json(silent=True) or {}
    slug = str(said.get("type", "")).rpartition("/")[2]
    return slug not in _GUARD_PROBLEMS and "required_kinds" not in said and not _bearer_error(answer)


def _bearer_error(answer: Any) -> bool:
    challenge = answer.headers.get("WWW-Authenticate", "")
    return any(word in challenge for word in ('error="invalid_token"', 'error="insufficient_scope"'))


def _full(route: Route, kind: Kind) -> dict[str, Any]:
    """Return one who has all that the route could ask for, and is a stranger to every object."""
    access = route.access
    stranger = f"{kind.value}_stranger"
    return {
        "kind": kind, "actor": stranger, "subject": stranger, "scopes": set(access.scopes), "proofing_level": 5,
        "authentication_level": 3, "purpose": access.purpose, "audience": route.audience,
        "party": stranger if route.audience == "suxin" and kind is Kind.CITIZEN else None,
        "terminal": stranger if kind is Kind.TERMINAL else None, "place": "321302", "client": "client_stranger",
        "organisation": "org_stranger",
    }  # fmt: skip


def _path(rule: Rule) -> str:
    path = rule.rule
    for name in rule.arguments:
        converter = type(rule._converters[name]).__name__
        value = "1" if converter in ("IntegerConverter", "FloatConverter") else f"{name}_unknown"
        for written in (f"<{name}>", f"<string:{name}>", f"<path:{name}>", f"<int:{name}>"):
            path = path.replace(written, value)
    assert "<" not in path, rule.rule
    return path
