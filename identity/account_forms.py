"""What identity's own account pages share: who is signed in, what a form said, and how a refusal is shown."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from flask import redirect, request
from werkzeug.wrappers import Response

from app.errors import DomainError, InvalidRequest
from app.guards import Kind, Principal, acting_as
from app.identifiers import BadIdentifier
from identity.oidc import forms
from identity.oidc.errors import OAuthError
from identity.sessions import browser
from identity.sessions.service import Live

Page = Callable[[DomainError | None], Response]


def signed_in() -> Live | None:
    """Return the session of the browser that asks."""
    return browser.live_session(request)


def to_log_in() -> Response:
    """Return the way to the log-in page and back here."""
    return redirect("/login?" + urlencode({"return_to": request.path if request.method == "GET" else "/"}), 303)


def posted() -> dict[str, str]:
    """Return the form's fields; raises `ForeignForm` unless this browser was given the form, `InvalidRequest`."""
    try:
        params = forms.form(request)
    except OAuthError:
        raise InvalidRequest from None
    browser.check_form(request, params.get(browser.CSRF_FIELD, ""))
    return params


def himself(live: Live) -> acting_as:
    """Run a block as the person of a session, acting for nobody else: account pages are about oneself."""
    return acting_as(
        Principal(
            kind=Kind.CITIZEN,
            actor=live.person_id,
            party=live.person_id,
            proofing_level=live.proofing_level,
            authentication_level=live.authentication_level,
        )
    )


def done(act: Callable[[], object], page: Page, *, then: str) -> Response:
    """Do what a form asks and go on (303), or show the page again with the refusal."""
    try:
        act()
    except BadIdentifier as error:
        return page(InvalidRequest(errors={error.kind: [error.reason]}))
    except DomainError as refusal:
        return page(refusal)
    return redirect(then, 303)
