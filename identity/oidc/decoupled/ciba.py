"""Backchannel authentication in poll mode (OpenID CIBA Core 1.0): a client asks a person it knows."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import request
from sqlalchemy import func, select

from app.db import now, session
from app.guards import Kind, Principal, acting_as
from app.outbox import enqueue
from identity.accounts.models import Account
from identity.authenticators import guesses
from identity.oidc import clients, details, forms, hints
from identity.oidc.access import asked_access
from identity.oidc.decoupled.requests import INTERVAL_SECONDS, LIFETIME_SECONDS, opened
from identity.oidc.decoupled.signed_request import parameters
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client, DecoupledRequest
from identity.oidc.permitted import CIBA, confidential_for
from identity.oidc.tokens import client_audience
from identity.parties.directory import directory
from identity.parties.models import Person

_MOST_OPEN = 3
# 7.1: short, and plain enough to be compared by eye on two screens.
_MESSAGE = re.compile(r"[\w\-.,:;#/ ]{1,40}")
_HINTS = ("login_hint", "id_token_hint", "login_hint_token")


def begin() -> dict[str, Any]:
    """Answer a backchannel authentication request; raises `OAuthError`."""
    sent = forms.form(request)
    client = confidential_for(clients.caller(sent), CIBA)
    params = parameters(sent, client)
    access = _access(params, client)
    asked = details.asked(params, client, list(access))
    message, lifetime = _message(params), _lifetime(params)
    person = _person(params, client)
    _check_flood(client, person)
    secret = secrets.token_urlsafe(32)
    request_id = opened(
        secret, kind="ciba", client_id=client.id, access=access, authorization_details=asked, person_id=person,
        binding_message=message, origin=guesses.network(request.remote_addr or ""), lifetime_seconds=lifetime,
    )  # fmt: skip
    with acting_as(Principal(kind=Kind.CLIENT, actor=client.id, client=client.id)):
        enqueue("identity.ask_approval", request_id=request_id)
    return {"auth_req_id": secret, "expires_in": lifetime, "interval": INTERVAL_SECONDS}


def _access(params: dict[str, str], client: Client) -> dict[str, list[str]]:
    if "openid" not in params.get("scope", "").split():
        raise OAuthError("invalid_scope", "the scope must contain openid")
    return asked_access(params, client.access)


def _message(params: dict[str, str]) -> str | None:
    message = params.get("binding_message")
    if message is not None and not _MESSAGE.fullmatch(message):
        raise OAuthError("invalid_binding_message", "at most 40 letters, digits and plain signs")
    return message


def _lifetime(params: dict[str, str]) -> int:
    text = params.get("requested_expiry", str(LIFETIME_SECONDS))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise OAuthError("invalid_request", "requested_expiry is a number of seconds")
    return min(int(text), LIFETIME_SECONDS)


def _person(params: dict[str, str], client: Client) -> str:
    given = [name for name in _HINTS if name in params]
    if len(given) != 1 or given == ["login_hint_token"]:
        raise OAuthError("invalid_request", "give login_hint (a subject id) or id_token_hint, and only one of them")
    subject = params.get("login_hint") or hints.subject_of(params.get("id_token_hint"), client) or ""
    known = client_audience(client.id, client.sector)
    person = directory.party_of(subject, known) if len(subject) <= 40 else None
    if person is None or not _can_answer(person):
        raise OAuthError("unknown_user_id", "this client knows nobody by that id")
    return person


def _can_answer(person: str) -> bool:
    active = select(Account.id).join(Person, Person.id == Account.person_id)
    return (
        session().scalar(
            active.where(Person.id == person, Person.state == "active", Account.state == "active").limit(1)
        )
        is not None
    )


def _check_flood(client: Client, person: str) -> None:
    waiting = session().scalar(
        select(func.count())
        .select_from(DecoupledRequest)
        .where(
            DecoupledRequest.person_id == person,
            DecoupledRequest.client_id == client.id,
            DecoupledRequest.state == "pending",
            DecoupledRequest.expires_at > now(),
        )
    )
    if (waiting or 0) >= _MOST_OPEN:
        raise OAuthError("access_denied", "this person has not answered earlier requests yet", status=403)
