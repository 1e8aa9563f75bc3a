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
from identity.oidc import details, jose, keys
from identity.oidc.access import Wanted
from identity.oidc.clients import client_of
from identity.oidc.models import AuthorizationGrant, Client
from identity.oidc.settings import ACCESS_TOKEN_SECONDS, issuer, resource_of
from identity.parties.acting import is_organisation
from identity.parties.directory import directory

ACCESS_TYPE = "at+jwt"
ID_TYPE = "JWT"


def answer(token: str, scopes: tuple[str, ...], *, jkt: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the body of a successful token answer; `jkt` tells that the token is bound to a key."""
    return {
        "access_token": token,
        "token_type": "Bearer" if jkt is None else "DPoP",
        "expires_in": ACCESS_TOKEN_SECONDS,
        "scope": " ".join(scopes),
        **more,
    }


def for_terminal(terminal: Device, wanted: Wanted, *, jkt: str | None = None) -> str:
    """Return an access token of a terminal; its subject is the terminal itself."""
    return access_token(
        wanted,
        jkt=jkt,
        kind="terminal",
        sub=terminal.id,
        client_id=terminal.id,
        org=directory.subject_of(terminal.organisation_id, wanted.audience),
        place=terminal.place,
    )


def for_client(client: Client, wanted: Wanted, *, jkt: str | None = None) -> str:
    """Return an access token of a program that acts for itself."""
    owner = client.organisation_id
    org = {} if owner is None else {"org": directory.subject_of(owner, wanted.audience)}
    return access_token(wanted, jkt=jkt, kind="client", sub=client.id, client_id=client.id, **org)


def for_citizen(
    grant: AuthorizationGrant, wanted: Wanted, *, jkt: str | None = None, carried: details.Details | None = None
) -> str:
    """Return an access token of a person's grant for one audience; nothing in it meets across audiences.

    `sub` is whose affairs these are; where somebody acts for another, `act`
    (RFC 8693, 4.1) says who, as what, and on what ground. `carried` are the
    authorization details it names, all granted ones at this audience when None.
    """
    about = _citizen(grant, wanted.audience, grant.authorization_details if carried is None else carried)
    return access_token(wanted, jkt=jkt, **about, client_id=grant.client_id)


def exchanged(
    grant: AuthorizationGrant, wanted: Wanted, *, party: str, until: float, jkt: str | None, **claims: Any
) -> tuple[str, int]:
    """Return a token by which a client acts for a citizen, and its seconds: it outlives no token it comes from."""
    seconds = min(ACCESS_TOKEN_SECONDS, int(until - time.time()))
    about = _citizen(grant, wanted.audience, grant.authorization_details)
    about |= {"sub": directory.subject_of(party, wanted.audience), "exp": int(time.time()) + seconds}
    token = access_token(wanted, jkt=jkt, **about | claims)
    return token, seconds


def _citizen(grant: AuthorizationGrant, audience: str, granted: details.Details) -> dict[str, Any]:
    carried, party = details.at(granted, audience), grant.acting_for or grant.person_id
    subject = directory.subject_of(party, audience)
    return {
        **_standing_as(grant, party, subject, audience),
        "sub": subject,
        **_act(grant, audience),
        "acr": acr(grant.proofing_level, grant.authentication_level),
        "auth_time": int(grant.authenticated_at.timestamp()),
        "sid": family(grant.id, audience),
        **({"authorization_details": carried} if carried else {}),
    }


def access_token(wanted: Wanted, *, jkt: str | None = None, **claims: Any) -> str:
    """Return a signed access token for one audience, bound to a key by its thumbprint (RFC 9449, 6.1)."""
    issued = int(time.time())
    kid, key = keys.active()
    body = {
        "iss": issuer(),
        "aud": resource_of(wanted.audience),
        "iat": issued,
        "exp": issued + ACCESS_TOKEN_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "scope": " ".join(wanted.scopes),
        **({} if jkt is None else {"cnf": {"jkt": jkt}}),
        **claims,
    }
    return jose.sign(body, key, typ=ACCESS_TYPE, header={"kid": kid})


def id_token(grant: AuthorizationGrant, *, nonce: str | None, access_token: str) -> str:
    """Return an ID token; its `sub` is the id by which this client's sector knows the party, as in userinfo."""
    issued = int(time.time())
    client = client_of(grant.client_id)
    known_as = client_audience(client.id, client.sector)
    # FAPI 2.0, 5.4.1 knows no RS256, whatever a registration says.
    kid, key = keys.active(jose.ALGORITHM if client.profile == "fapi2" else client.id_token_alg)
    body = {
        "iss": issuer(),
        "aud": grant.client_id,
        "sub": directory.subject_of(grant.acting_for or grant.person_id, known_as),
        **_act(grant, known_as),
        "iat": issued,
        "exp": issued + ACCESS_TOKEN_SECONDS,
        "auth_time": int(grant.authenticated_at.timestamp()),
        "acr": acr(grant.proofing_level, grant.authentication_level),
        "at_hash": _half_hash(access_token),
        "sid": client_session(grant.session_id, grant.client_id),
        **({"nonce": nonce} if nonce else {}),
    }
    return jose.sign(body, key, typ=ID_TYPE, header={"kid": kid})


def _standing_as(grant: AuthorizationGrant, party: str, subject: str, audience: str) -> dict[str, str]:
    """Return as what the bearer stands: an organisation, an official of one, or a citizen."""
    if is_organisation(party):
        return {"kind": "organisation", "org": subject}
    if grant.staff_of is not None:
        return {"kind": "official", "org": directory.subject_of(grant.staff_of, audience)}
    return {"kind": "citizen"}


def _act(grant: AuthorizationGrant, audience: str) -> dict[str, Any]:
    if grant.assisted_by is not None:
        # A window official opened the log-in for the person present, whose affairs these are.
        return {"act": {"sub": directory.subject_of(grant.assisted_by, audience), "capacity": "staff"}}
    if grant.acting_for is None or grant.mandate_id is None:
        return {}
    return {
        "act": {
            "sub": directory.subject_of(grant.person_id, audience),
            "capacity": grant.capacity,
            # The ground, too, has another id in every audience: it would join them as surely as `sub`.
            "evidence": directory.subject_of(grant.mandate_id, audience),
        }
    }


def client_audience(client_id: str, sector: str | None = None) -> str:
    """Return the audience under which a client's subject ids are kept: its sector's, else its own."""
    return f"client:{client_id}" if sector is None else f"sector:{sector}"


def family(grant_id: str, audience: str) -> str:
    """Return the `sid` of a grant's tokens: stable in one audience, unlinkable across two."""
    digest = hmac.new(crypto.derive("token-family"), f"{grant_id}\0{audience}".encode(), hashlib.sha256).digest()
    return b32encode(digest[:15]).decode().lower()


def client_session(session_id: str, client_id: str) -> str:
    """Return the `sid` of a person's session as one client knows it (Back-Channel Logout 1.0, 2.1)."""
    digest = hmac.new(crypto.derive("client-session"), f"{session_id}\0{client_id}".encode(), hashlib.sha256).digest()
    return b32encode(digest[:15]).decode().lower()


def acr(proofing_level: int, authentication_level: int) -> str:
    """Return both assurance levels as one `acr` value."""
    return f"ial{proofing_level}.aal{authentication_level}"


def _half_hash(token: str) -> str:
    half = hashlib.sha256(token.encode()).digest()[:16]
    return urlsafe_b64encode(half).rstrip(b"=").decode()
