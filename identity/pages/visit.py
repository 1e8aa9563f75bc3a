"""Where a log-in leads and how strong it must be: carried from page to page, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request
from werkzeug.wrappers import Response

from app.errors import Conflict
from app.text import Text
from identity.accounts.models import Account
from identity.authenticators import second
from identity.authenticators.levels import Wanted, reached
from identity.authenticators.passkeys import log_in as passkey
from identity.authenticators.sms.operator import offered
from identity.federation import providers
from identity.pages.shown import own_path, page, to
from identity.sessions import browser, service
from identity.sessions.service import Proven


class LevelOutOfReach(Conflict):
    title = Text("此方式达不到所需的登录等级", "This way does not reach the level that is asked for")
    next_step = Text("请使用通行密钥，或到服务窗口办理", "Use a passkey, or come to a service window")


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's way through the log-in pages."""

    return_to: str
    wanted: Wanted
    shared: bool = False

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Visit:
        """Return what the query or the form says; an address not ours becomes the start page."""
        return cls(
            own_path(params.get("return_to", "")), Wanted.parse(params.get("acr", "")), params.get("shared") == "yes"
        )

    @property
    def query(self) -> str:
        """The same visit for a link to another log-in page."""
        acr = str(self.wanted)
        return urlencode({"return_to": self.return_to, **({"acr": acr} if acr else {})})

    def values(self) -> dict[str, Any]:
        """Return what every log-in page shows and carries on."""
        strong = self.wanted.authentication > 1
        return {
            "visit": self,
            "strong": strong,
            "sms": offered() and not strong,
            "providers": () if strong else providers.offered(),
            "return_to": self.return_to,
            "passkey_options": passkey.options(browser=browser.binding(request)),
        }


def go_on(account: Account, method: str, visit: Visit) -> Response:
    """Ask for the second factor where one is due, else begin the session."""
    step = second.after(account, method, level=visit.wanted.authentication, browser=browser.binding(request))
    if step is None:
        return enter(account, (method,), visit)
    return ask(step, visit)


def ask(step: second.Step, visit: Visit, *, status: int = 200, **more: Any) -> Response:
    """Show the page for the second factor, or say that there is none."""
    if not step.ways:
        refused = LevelOutOfReach()
        return page("identity/login.html", status=refused.status, refused=refused, **visit.values())
    return page("identity/second.html", status=status, step=step, way=step.ways[0], **visit.values(), **more)


def enter(account: Account, methods: tuple[str, ...], visit: Visit) -> Response:
    """Begin the session, or step an own one up, and lead on; a new secret either way."""
    proven = Proven(
        authentication_level=reached(methods), methods=methods, where=browser.where(request), shared=visit.shared
    )
    return let_in(account, proven, visit)


def let_in(account: Account, proven: Proven, visit: Visit) -> Response:
    """Begin the session that was proven and lead on."""
    secret = service.continue_or_begin(account, browser.session_secret(request), proven)
    answer = to(visit.return_to)
    browser.remember_session(answer, secret)
    return answer
