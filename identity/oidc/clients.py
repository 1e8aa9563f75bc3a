"""Who calls the token endpoint: public clients by name, terminals by a signed assertion."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import request
from joserfc.jwk import ECKey

from app.db import session
from identity.devices.models import Device
from identity.oidc import jose, replay
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client
from identity.oidc.settings import ASSERTION_SECONDS, CLOCK_SKEW_SECONDS, issuer
from identity.parties.standing import organisation_serves

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TYPES: frozenset[str | None] = frozenset({None, "JWT", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated (terminal) or identified (public) client."""

    id: str
    access: Mapping[str, list[str]]
    client: Client | None = None
    terminal: Device | None = None


def caller(params: dict[str, str]) -> Caller:
    """Return who calls a token endpoint; raises `invalid_client`."""
    if "client_secret" in params or request.headers.get("Authorization", "").lower().startswith("basic"):
        raise _refused("this server knows no client secrets: use private_key_jwt")
    if "client_assertion" in params or "client_assertion_type" in params:
        return _by_assertion(params)
    return public_client(params.get("client_id", ""))


def public_client(client_id: str) -> Caller:
    """Return an active public client; raises `invalid_client`."""
    found = session().get(Client, client_id) if client_id else None
    if found is None or found.state != "active" or not organisation_serves(found.organisation_id):
        raise _refused("the client is unknown or must authenticate")
    return Caller(id=found.id, access=found.access, client=found)


def _by_assertion(params: dict[str, str]) -> Caller:
    if params.get("client_assertion_type") != ASSERTION_TYPE:
        raise _refused("client_assertion_type must be jwt-bearer")
    try:
        terminal = _verified(params.get("client_assertion", ""), params.get("client_id"))
    except jose.BadToken as error:
        raise _refused(str(error)) from None
    return Caller(id=terminal.id, access=terminal.access, terminal=terminal)


def _verified(assertion: str, client_id: str | None) -> Device:
    """Check a client assertion (RFC 7523, 3; FAPI 2.0: `aud` is the issuer as one string)."""
    _, untrusted = jose.peek(assertion)
    terminal = _terminal(untrusted.get("sub"), client_id)
    key = ECKey.import_key(terminal.public_jwk)
    claims = jose.verify(assertion, typ=_TYPES, find_key=lambda _header, _claims: key)
    _check_parties(claims, terminal.id)
    expires = _check_times(claims)
    _check_unused(claims, terminal.id, expires)
    return terminal


def _terminal(sub: object, client_id: str | None) -> Device:
    found = session().get(Device, sub) if isinstance(sub, str) else None
    if found is None or found.state != "active" or client_id not in (None, found.id):
        raise jose.BadToken("the client is unknown, suspended, or not the one that signed")
    return found


def _check_parties(claims: Mapping[str, Any], client_id: str) -> None:
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise jose.BadToken("iss and sub must both be the client id")
    if claims.get("aud") != issuer():
        raise jose.BadToken("aud must be the issuer, as a single string")


def _check_times(claims: Mapping[str, Any]) -> float:
    present = time.time()
    issued, begins, expires = (jose.moment(claims, name) for name in ("iat", "nbf", "exp"))
    if expires is None or expires <= present:
        raise jose.BadToken("the assertion has expired, or exp is missing")
    if expires > present + ASSERTION_SECONDS + CLOCK_SKEW_SECONDS:
        raise jose.BadToken("exp may lie at most 60 seconds ahead")
    if issued is None or issued < present - ASSERTION_SECONDS - CLOCK_SKEW_SECONDS:
        raise jose.BadToken("iat is missing or too old")
    if max(issued, begins or 0) > present + CLOCK_SKEW_SECONDS:
        raise jose.BadToken("iat or nbf lies in the future: check the clock")
    return expires


def _check_unused(claims: Mapping[str, Any], client_id: str, expires: float) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 8 <= len(jti) <= 128:
        raise jose.BadToken("jti must be a text of 8 to 128 signs")
    if not replay.first_sight("assertion", client_id, jti, until=datetime.fromtimestamp(expires, UTC)):
        raise jose.BadToken("the assertion was used before")


def _refused(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, status=401)
