"""Issue access tokens (RFC 9068) and ID tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import b32encode, urlsafe_b64encode
from typing import Any

from app import crypto
from identity.devices.models import Device
from identity.oidc import jose, keys
from identity.oidc.access import Wanted
from identity.oidc.models import AuthorizationGrant
from identity.oidc.settings import ACCESS_TOKEN_SECONDS, issuer, resource_of
from identity.parties.directory import directory

ACCESS_TYPE = "at+jwt"
ID_TYPE = "JWT"


def answer(token: str, scopes: tuple[str, ...], **more: Any) -> dict[str, Any]:
    """Return the body of a successful token answer."""
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
        "scope": " ".join(scopes),
        **more,
    }


def for_terminal(terminal: Device, wanted: Wanted) -> str:
    """Return an access token of a terminal; its subject is the terminal itself."""
    return _access_token(
        wanted,
        kind="terminal",
        sub=terminal.id,
        client_id=terminal.id,
        org=directory.subject_of(terminal.organisation_id, wanted.audience),
        place=terminal.place,
    )


def for_citizen(grant: AuthorizationGrant, wanted: Wanted) -> str:
    """Return an access token of a person's grant for one audience; nothing in it meets across audiences.

    Who gave the grant as staff of an organisation is an official in it.
    """
    post = {"org": directory.subject_of(grant.staff_of, wanted.audience)} if grant.staff_of else {}
    return _access_token(
        wanted,
        kind="official" if grant.staff_of else "citizen",
        **post,
        sub=directory.subject_of(grant.person_id, wanted.audience),
        client_id=grant.client_id,
        acr=acr(grant.proofing_level, grant.authentication_level),
        auth_time=int(grant.authenticated_at.timestamp()),
        sid=family(grant.id, wanted.audience),
    )


def _access_token(wanted: Wanted, **claims: Any) -> str:
    issued = int(time.time())
    kid, key = keys.active()
    body = {
        "iss": issuer(),
        "aud": resource_of(wanted.audience),
        "iat": issued,
        "exp": issued + ACCESS_TOKEN_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "scope": " ".join(wanted.scopes),
        **claims,
    }
    return jose.sign(body, key, typ=ACCESS_TYPE, header={"kid": kid})


def id_token(grant: AuthorizationGrant, *, nonce: str | None, access_token: str) -> str:
    """Return an ID token; its `sub` is the id by which this client knows the person."""
    issued = int(time.time())
    kid, key = keys.active()
    body = {
        "iss": issuer(),
        "aud": grant.client_id,
        "sub": directory.subject_of(grant.person_id, client_audience(grant.client_id)),
        "iat": issued,
        "exp": issued + ACCESS_TOKEN_SECONDS,
        "auth_time": int(grant.authenticated_at.timestamp()),
        "acr": acr(grant.proofing_level, grant.authentication_level),
        "at_hash": _half_hash(access_token),
        **({"nonce": nonce} if nonce else {}),
    }
    return jose.sign(body, key, typ=ID_TYPE, header={"kid": kid})


def client_audience(client_id: str) -> str:
    """Return the audience under which a client's own subject ids are kept."""
    return f"client:{client_id}"


def family(grant_id: str, audience: str) -> str:
    """Return the `sid` of a grant's tokens: stable in one audience, unlinkable across two."""
    digest = hmac.new(crypto.derive("token-family"), f"{grant_id}\0{audience}".encode(), hashlib.sha256).digest()
    return b32encode(digest[:15]).decode().lower()


def acr(proofing_level: int, authentication_level: int) -> str:
    """Return both assurance levels as one `acr` value."""
    return f"ial{proofing_level}.aal{authentication_level}"


def _half_hash(token: str) -> str:
    half = hashlib.sha256(token.encode()).digest()[:16]
    return urlsafe_b64encode(half).rstrip(b"=").decode()
