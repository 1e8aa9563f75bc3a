"""Signed authentication requests (OpenID CIBA Core 1.0, 7.1.1): the parameters stand in a JWT of the client."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from app.db import session
from identity.oidc import jose, keys, replay
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client, ClientKey
from identity.oidc.settings import CLOCK_SKEW_SECONDS, issuer

_TYPES: frozenset[str | None] = frozenset({None, "JWT", "oauth-authz-req+jwt"})
_LONGEST_LIFE = 600
_OUTSIDE = frozenset({"request", "client_id", "client_secret", "client_assertion", "client_assertion_type"})
_OURS = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})


def parameters(sent: dict[str, str], client: Client) -> dict[str, str]:
    """Return the plain parameters, or those of a signed request; raises `invalid_request`."""
    if "request" not in sent:
        return sent
    if set(sent) - _OUTSIDE:
        raise OAuthError("invalid_request", "with a signed request, all parameters stand inside it")
    try:
        claims = jose.verify(sent["request"], typ=_TYPES, find_key=lambda header, _: _key(header, client))
        _check(claims, client)
    except jose.BadToken as error:
        raise OAuthError("invalid_request", f"the signed request: {error}") from None
    said = {name: value for name, value in claims.items() if name not in _OURS}
    return {name: _text(value) for name, value in said.items()}


def _key(header: Mapping[str, Any], client: Client) -> jose.Key:
    held = session().scalars(
        select(ClientKey).where(
            ClientKey.client_id == client.id,
            ClientKey.kid == str(header.get("kid")),
            ClientKey.revoked_at.is_(None),
        )
    )
    key = held.first()
    if key is None:
        raise jose.BadToken("kid names no key of this client")
    return keys.imported(key.algorithm, key.public_jwk)


def _check(claims: Mapping[str, Any], client: Client) -> None:
    if claims.get("iss") != client.id or claims.get("aud") != issuer():
        raise jose.BadToken("iss must be the client id and aud the issuer, as a single string")
    present = time.time()
    expires, begins, issued = (jose.moment(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None or begins is None or issued is None:
        raise jose.BadToken("exp, nbf and iat are needed")
    if not present < expires <= begins + _LONGEST_LIFE or max(begins, issued) > present + CLOCK_SKEW_SECONDS:
        raise jose.BadToken("it is not valid now, or for longer than ten minutes")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 8 <= len(jti) <= 128:
        raise jose.BadToken("jti must be a text of 8 to 128 signs")
    if not replay.first_sight("ciba-request", client.id, jti, until=datetime.fromtimestamp(expires, UTC)):
        raise jose.BadToken("it was used before")


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise OAuthError("invalid_request", "parameters inside a signed request are texts")
    return str(value)
