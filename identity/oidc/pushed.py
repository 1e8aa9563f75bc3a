"""What was pushed under a `request_uri` (RFC 9126): kept by hash, loaded until it is answered, answered once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from app.db import add, now, session, unit_of_work
from identity.oidc import continuation, forms
from identity.oidc.errors import OAuthError
from identity.oidc.models import PushedRequest
from identity.oidc.settings import PUSHED_SECONDS

_PREFIX = "urn:ietf:params:oauth:request_uri:"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pushed request as the authorization endpoint uses it."""

    uri_hash: bytes
    parameters: dict[str, str]
    jkt: str | None


def keep(client_id: str, parameters: dict[str, str], jkt: str | None) -> str:
    """Keep a checked request and return its `request_uri`."""
    request_uri = _PREFIX + secrets.token_urlsafe(32)
    add(
        PushedRequest(
            uri_hash=_hash(request_uri),
            client_id=client_id,
            parameters=continuation.without(parameters),
            jkt=jkt,
            expires_at=now() + timedelta(seconds=PUSHED_SECONDS),
        )
    )
    return request_uri


def load(params: dict[str, str]) -> Loaded:
    """Return what a client pushed under this `request_uri`; raises `OAuthError`.

    It can be loaded again until a code is given. Past its time only the
    person who began with it in time may go on.
    """
    found = session().scalar(
        select(PushedRequest).where(
            PushedRequest.uri_hash == _hash(params.get("request_uri", "")),
            PushedRequest.client_id == forms.needed(params, "client_id"),
            PushedRequest.consumed_at.is_(None),
        )
    )
    if found is None or (found.expires_at <= now() and continuation.begun_at(params) is None):
        raise OAuthError("invalid_request_uri", "the request is unknown, used, expired, or another client's")
    return Loaded(found.uri_hash, found.parameters, found.jkt)


def consume(uri_hash: bytes) -> None:
    """Let a request be answered once; raises `OAuthError` for the second answer."""
    with unit_of_work():
        taken = session().execute(
            update(PushedRequest)
            .where(PushedRequest.uri_hash == uri_hash, PushedRequest.consumed_at.is_(None))
            .values(consumed_at=now())
            .returning(PushedRequest.client_id)
        )
        if taken.first() is None:
            raise OAuthError("invalid_request_uri", "the request was answered before")


def _hash(request_uri: str) -> bytes:
    return hashlib.sha256(request_uri.encode()).digest()
