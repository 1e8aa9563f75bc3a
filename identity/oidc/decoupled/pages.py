"""Where a person decides what another device or program asks for: by its code, or from the list of questions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask import redirect, request
from werkzeug.wrappers import Response

from app.db import session
from app.errors import DomainError, language
from identity.authenticators import guesses
from identity.oidc import details, forms
from identity.oidc.decoupled import device, requests
from identity.oidc.models import Client, DecoupledRequest
from identity.parties.models import Organisation
from identity.sessions import browser
from identity.showing import in_words, page


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request as its person reads it."""

    id: str
    client: str
    organisation: str | None
    scopes: list[tuple[str, str]]
    details: list[str]
    message: str | None
    origin: str | None
    same_network: bool
    at: datetime
    until: datetime


def ask_code() -> Response:
    """Return the page on which a device's code is typed; the link of a device fills it in."""
    given = device.typed(request.args.get("user_code", ""))
    if browser.live_session(request) is None:
        return _to_log_in("/device" + (f"?{urlencode({'user_code': given})}" if given else ""))
    return page("identity/device.html", user_code=device.shown(given) if given else "", refused=None)


def show_device() -> Response:
    """Answer a typed code with what its device asks for."""
    params = _form()
    live = browser.live_session(request)
    if live is None:
        return _to_log_in("/device")
    text = params.get("user_code", "")
    try:
        found, client = device.find(text, live, source=request.remote_addr or "")
    except (device.UnknownUserCode, guesses.TooManyGuesses) as refused:
        return page("identity/device.html", status=refused.status, user_code="", refused=refused)
    code = device.shown(device.typed(text))
    return page("identity/decide.html", question=_question(found, client), user_code=code, action="/device/decision")


def decide_device() -> Response:
    """Answer the decision about a device."""
    return _decide("/device")


def approvals() -> Response:
    """Return the page of all open questions to the person who is logged in."""
    live = browser.live_session(request)
    if live is None:
        return _to_log_in("/approvals")
    mine = requests.pending(DecoupledRequest.kind == "ciba", DecoupledRequest.person_id == live.person_id)
    return page("identity/approvals.html", questions=[_question(*each) for each in mine])


def decide_approval() -> Response:
    """Answer the decision about one question."""
    return _decide("/approvals")


def _decide(where: str) -> Response:
    params = _form()
    live = browser.live_session(request)
    if live is None:
        return _to_log_in(where)
    approved = params.get("decision") == "approve"
    try:
        (requests.approve if approved else requests.deny)(params.get("request", ""), live)
    except DomainError as refused:
        return page("identity/decided.html", status=refused.status, refused=refused, approved=False)
    return page("identity/decided.html", refused=None, approved=approved)


def _form() -> dict[str, str]:
    params = forms.form(request)
    browser.check_form(request, params.get(browser.CSRF_FIELD, ""))
    return params


def _to_log_in(back: str) -> Response:
    return redirect("/login?" + urlencode({"return_to": back}), 303)


def _question(asked: DecoupledRequest, client: Client) -> Question:
    scopes = tuple(dict.fromkeys(scope for scopes in asked.access.values() for scope in scopes))
    return Question(
        id=asked.id,
        client=client.title_en if language().startswith("en") else client.title_zh,
        organisation=_organisation(client),
        scopes=in_words(scopes),
        details=details.in_words(asked.authorization_details),
        message=asked.binding_message,
        origin=asked.origin,
        same_network=asked.origin == guesses.network(request.remote_addr or ""),
        at=asked.created_at,
        until=asked.expires_at,
    )


def _organisation(client: Client) -> str | None:
    found = session().get(Organisation, client.organisation_id) if client.organisation_id else None
    return None if found is None else found.name
