"""Clients that authenticate by a secret (RFC 6749, 2.3.1); only its SHA-256 is kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import unquote_plus

from flask import Request

from identity.oidc.client_rows import active_client
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client


def authenticated(incoming: Request, params: Mapping[str, str], method: str) -> Client:
    """Return the active client whose registered way this is and whose secret fits; raises `invalid_client`."""
    if method == "client_secret_basic":
        client_id, secret = _basic(incoming.headers.get("Authorization", ""))
        if params.get("client_id", client_id) != client_id:
            raise _refused()
    else:
        client_id, secret = params.get("client_id", ""), params["client_secret"]
    found = active_client(client_id)
    fits = _fits(secret, found.secret_hash if found is not None else None)
    if found is None or not fits or found.auth_method != method:
        raise _refused()
    return found


def secret_hash(secret: str) -> bytes:
    """Return the form in which a client's random secret is kept."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _fits(secret: str, kept: bytes | None) -> bool:
    return hmac.compare_digest(secret_hash(secret), kept or bytes(32)) and kept is not None


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _refused()
    try:
        client_id, found, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        raise _refused() from None
    if not found or "\0" in client_id:
        raise _refused()
    return unquote_plus(client_id), unquote_plus(secret)


def _refused() -> OAuthError:
    # One answer for an unknown client, a wrong secret and another way: nothing to learn from it.
    challenge = {"WWW-Authenticate": 'Basic realm="suxin", charset="UTF-8"'}
    return OAuthError("invalid_client", "the client is unknown or its secret wrong", status=401, headers=challenge)
