"""Register a client, show, change and delete its entry (RFC 7591, RFC 7592)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from app import audit
from app.db import add, now, session
from app.guards import Kind, Principal, acting_as
from app.ids import new_id
from identity.oidc import jose
from identity.oidc.client_secret import secret_hash
from identity.oidc.errors import OAuthError
from identity.oidc.models import AuthorizationGrant, Client, ClientKey
from identity.oidc.permitted import EXCHANGE
from identity.oidc.registration import invites
from identity.oidc.registration.invites import token_hash
from identity.oidc.registration.metadata import Metadata, checked
from identity.oidc.registration.models import RegistrationInvite
from identity.oidc.revocation import revoke, revoke_grant
from identity.oidc.settings import issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A client with the secrets that are told now, and never again."""

    client: Client
    keys: Mapping[str, dict[str, Any]]
    registration_token: str
    secret: str | None = None


def register(token: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Register a client with an invitation; raises `OAuthError`.

    What is wrong is said before the invitation is used up, so that its holder can correct it.
    """
    invitation = invites.find(token)
    if "client_id" in sent or "client_secret" in sent:
        raise OAuthError("invalid_client_metadata", "this server chooses client_id and client_secret")
    metadata = checked(sent)
    access = _access(metadata, invitation.access)
    _check_invited(metadata, serves=invitation.serves, detail_types=invitation.detail_types)
    client_id = new_id("client")
    invites.consume(invitation, client_id=client_id)
    entry = _added(client_id, metadata, access, invitation)
    with _acting(client_id):
        audit.record("identity.client-registered", object=client_id, details={"invite": invitation.id})
    return shown(entry)


def read(client_id: str, token: str) -> dict[str, Any]:
    """Return a client's own entry (RFC 7592, 2.1); raises `invalid_token`."""
    client = _own(client_id, token)
    return shown(Entry(client=client, keys=_live_keys(client_id), registration_token=token))


def change(client_id: str, token: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a client's metadata (2.2), with a new registration token; raises `OAuthError`.

    Checked as strictly as the first time. What the invitation did not allow stays out of reach.
    """
    client = _own(client_id, token)
    _check_named(client, sent)
    metadata = checked(sent)
    access = _access(metadata, _invited(client).access)
    _check_invited(metadata, serves=client.serves, detail_types=_invited(client).detail_types)
    secret = _changed_secret(client, metadata)
    _apply(client, metadata, access)
    fresh = _rotated(client, token)
    _replace_keys(client, metadata.keys)
    # What it may no longer ask for, tokens given before must no longer carry.
    revoke("client", client.id)
    with _acting(client_id):
        audit.record("identity.client-changed", object=client_id)
    return shown(Entry(client=client, keys=metadata.keys, registration_token=fresh, secret=secret))


def delete(client_id: str, token: str) -> None:
    """End a client: its tokens, consents and keys die at once (2.3); raises `invalid_token`."""
    client = _own(client_id, token)
    client.state, client.registration_hash = "disabled", None
    _replace_keys(client, {})
    open_grants = select(AuthorizationGrant).where(
        AuthorizationGrant.client_id == client_id, AuthorizationGrant.revoked_at.is_(None)
    )
    for grant in session().scalars(open_grants).all():
        revoke_grant(grant)
    revoke("client", client_id)
    with _acting(client_id):
        audit.record("identity.client-deleted", object=client_id)


def shown(entry: Entry) -> dict[str, Any]:
    """Return the client information response (RFC 7591, 3.2.1; RFC 7592, 3)."""
    client = entry.client
    found: dict[str, Any] = {
        "client_id": client.id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": client.title_zh,
        "client_name#en": client.title_en,
        "token_endpoint_auth_method": client.auth_method,
        "grant_types": client.grant_types,
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "authorization_details_types": client.detail_types,
        "subject_type": "pairwise",
        "id_token_signed_response_alg": client.id_token_alg,
        "scope": " ".join(dict.fromkeys(scope for scopes in client.access.values() for scope in scopes)),
        "registration_access_token": entry.registration_token,
        "registration_client_uri": f"{issuer()}/oauth2/register/{client.id}",
    }
    if client.backchannel_logout_uri is not None:
        found |= {
            "backchannel_logout_uri": client.backchannel_logout_uri, "backchannel_logout_session_required": True
        }  # fmt: skip
    if entry.keys:
        found["jwks"] = {"keys": [{**jwk, "kid": kid, "alg": jose.ALGORITHM} for kid, jwk in entry.keys.items()]}
    if entry.secret is not None:
        found |= {"client_secret": entry.secret, "client_secret_expires_at": 0}
    return found


def _added(client_id: str, metadata: Metadata, access: dict[str, list[str]], invitation: RegistrationInvite) -> Entry:
    token, secret = secrets.token_urlsafe(32), _new_secret(metadata)
    client = Client(
        id=client_id,
        serves=invitation.serves,
        organisation_id=invitation.organisation_id,
        secret_hash=None if secret is None else secret_hash(secret),
        registration_hash=token_hash(token),
    )
    _apply(client, metadata, access)
    add(client)
    _replace_keys(client, metadata.keys)
    return Entry(client=client, keys=metadata.keys, registration_token=token, secret=secret)


def _apply(client: Client, metadata: Metadata, access: dict[str, list[str]]) -> None:
    client.title_zh, client.title_en = metadata.title_zh, metadata.title_en
    client.auth_method, client.grant_types = metadata.auth_method, metadata.grant_types
    client.redirect_uris = metadata.redirect_uris
    client.post_logout_redirect_uris = metadata.post_logout_redirect_uris
    client.backchannel_logout_uri = metadata.backchannel_logout_uri
    client.detail_types, client.access = metadata.detail_types, access


def _access(metadata: Metadata, invited: Mapping[str, list[str]]) -> dict[str, list[str]]:
    if metadata.scopes is None:
        return {audience: list(scopes) for audience, scopes in invited.items()}
    offered = {scope for scopes in invited.values() for scope in scopes}
    if not set(metadata.scopes) <= offered:
        raise OAuthError("invalid_client_metadata", "scope: the invitation does not cover one of them")
    return {
        audience: [scope for scope in scopes if scope in metadata.scopes]
        for audience, scopes in invited.items()
        if set(scopes) & set(metadata.scopes)
    }


def _check_invited(metadata: Metadata, *, serves: str | None, detail_types: list[str]) -> None:
    if EXCHANGE in metadata.grant_types and serves is None:
        raise OAuthError("invalid_client_metadata", "the invitation does not cover token exchange")
    if not set(metadata.detail_types) <= set(detail_types):
        raise OAuthError("invalid_client_metadata", "the invitation does not cover a type of authorization details")


def _own(client_id: str, token: str) -> Client:
    client = session().get(Client, client_id) if len(client_id) <= 40 else None
    held = client.registration_hash if client is not None and client.state == "active" else None
    # RFC 7592, 2: an unknown client is told as an unknown token, so that nobody finds out which clients there are.
    if client is None or held is None or not hmac.compare_digest(held, token_hash(token)):
        raise invites.unknown_token()
    return client


def _invited(client: Client) -> RegistrationInvite:
    found = session().scalars(select(RegistrationInvite).where(RegistrationInvite.client_id == client.id)).first()
    if found is None:
        raise invites.unknown_token()
    return found


def _check_named(client: Client, sent: Mapping[str, Any]) -> None:
    if sent.get("client_id") != client.id:
        raise OAuthError("invalid_client_metadata", "client_id must be the client's own")
    secret = sent.get("client_secret")
    if secret is not None and (client.secret_hash is None or secret_hash(str(secret)) != client.secret_hash):
        raise OAuthError("invalid_client_metadata", "client_secret is not the client's own")


def _new_secret(metadata: Metadata) -> str | None:
    return secrets.token_urlsafe(32) if metadata.auth_method.startswith("client_secret") else None


def _changed_secret(client: Client, metadata: Metadata) -> str | None:
    """Return a new secret where the way of authenticating begins to need one; else the old one stays."""
    if client.profile == "fapi2" and metadata.auth_method != "private_key_jwt":
        raise OAuthError("invalid_client_metadata", "a client of this profile signs its assertions")
    if metadata.auth_method.startswith("client_secret") and client.secret_hash is not None:
        return None
    secret = _new_secret(metadata)
    client.secret_hash = None if secret is None else secret_hash(secret)
    return secret


def _rotated(client: Client, used: str) -> str:
    """Return a new registration token; of two changes at once with the same old one, the second is refused."""
    fresh = secrets.token_urlsafe(32)
    taken = session().scalar(
        update(Client)
        .where(Client.id == client.id, Client.registration_hash == token_hash(used))
        .values(registration_hash=token_hash(fresh))
        .returning(Client.id)
    )
    if taken is None:
        raise invites.unknown_token()
    return fresh


def _live_keys(client_id: str) -> dict[str, dict[str, Any]]:
    rows = session().scalars(select(ClientKey).where(ClientKey.client_id == client_id, ClientKey.revoked_at.is_(None)))
    return {row.kid: row.public_jwk for row in rows}


def _replace_keys(client: Client, keys: Mapping[str, dict[str, Any]]) -> None:
    """Let exactly these keys be the client's; a withdrawn key's id is never given to another key."""
    known = {row.kid: row for row in session().scalars(select(ClientKey).where(ClientKey.client_id == client.id))}
    for kid, row in known.items():
        if kid not in keys and row.revoked_at is None:
            row.revoked_at = now()
    for kid, jwk in keys.items():
        if kid not in known:
            session().add(ClientKey(client_id=client.id, kid=kid, public_jwk=jwk))
        elif known[kid].public_jwk != jwk or known[kid].revoked_at is not None:
            raise OAuthError("invalid_client_metadata", "a kid was used before for another key: choose a new one")
    session().flush()


def _acting(client_id: str) -> acting_as:
    return acting_as(Principal(kind=Kind.CLIENT, actor=client_id, client=client_id))
