"""Enter, change, stop and key clients; what is stopped is stopped at once, and for good."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from app import audit, paging
from app.db import add, now, session
from app.errors import Conflict, InvalidRequest, NotFound
from app.ids import new_id
from identity.clients import rules
from identity.oidc.models import AuthorizationGrant, Client, ClientKey, DecoupledRequest, PushedRequest
from identity.oidc.revocation import revoke
from identity.parties.models import Organisation
from identity.staff import desks

ROLE = "clients"
_FORBIDDEN_BY_FAPI = ("RS256",)
_CONFIDENTIAL = ("client_secret_basic", "client_secret_post", "private_key_jwt")


def create(*, organisation_id: str | None, **given: Any) -> Client:
    """Enter a client; a secret or keys are given to it afterwards.

    Raises `NotFound` for an organisation out of reach, `InvalidRequest`.
    """
    organisation = session().get(Organisation, organisation_id) if organisation_id else None
    desks.need_reach(ROLE, organisation)
    if organisation_id is not None and (organisation is None or organisation.state != "active"):
        raise NotFound
    client = Client(id=new_id("client"), organisation_id=organisation_id, **given)
    _check(client)
    if client.auth_method.startswith("client_secret"):
        # Nobody knows it: the first `rotate_secret` gives the client one.
        client.secret_hash = hashlib.sha256(secrets.token_bytes(32)).digest()
    add(client)
    audit.record("identity.client-entered", object=client.id, details={"profile": client.profile})
    return client


def change(client_id: str, changes: Mapping[str, Any]) -> Client:
    """Change a client; a narrowed access ends all it was given before. Raises `NotFound`, `InvalidRequest`."""
    client = find(client_id)
    before = client.access
    for name, value in changes.items():
        setattr(client, name, value)
    _check(client)
    session().flush()
    if not rules.covers(client.access, before):
        end_everything(client_id)
    audit.record("identity.client-changed", object=client_id, details={"changed": sorted(changes)})
    return client


def disable(client_id: str) -> None:
    """Stop a client: its codes, requests, consents and tokens end, and stay ended; raises `NotFound`, `Conflict`."""
    find(client_id)
    _move(client_id, "active", "disabled")
    end_everything(client_id)
    audit.record("identity.client-disabled", object=client_id)


def enable(client_id: str) -> None:
    """Let a stopped client work again; everybody must let it in anew. Raises `NotFound`, `Conflict`."""
    find(client_id)
    _move(client_id, "disabled", "active")
    audit.record("identity.client-enabled", object=client_id)


def rotate_secret(client_id: str, secret: str) -> None:
    """Give a client a secret; the one before is dead at once. Raises `NotFound`, `Conflict` for one without."""
    client = find(client_id)
    if not client.auth_method.startswith("client_secret"):
        raise Conflict
    client.secret_hash = hashlib.sha256(secret.encode()).digest()
    audit.record("identity.client-secret-rotated", object=client_id)


def add_key(client_id: str, *, kid: str, jwk: Mapping[str, Any]) -> ClientKey:
    """Add a public key; several may live at once. Raises `NotFound`, `InvalidRequest`, `Conflict` for a kid in use."""
    client = find(client_id)
    if client.auth_method != "private_key_jwt":
        raise Conflict
    algorithm, members = rules.public_key(jwk)
    if session().scalar(select(ClientKey.id).where(ClientKey.client_id == client_id, ClientKey.kid == kid)):
        raise Conflict
    key = add(ClientKey(client_id=client_id, kid=kid, algorithm=algorithm, public_jwk=members))
    audit.record("identity.client-key-added", object=client_id, details={"kid": kid})
    return key


def retire_key(client_id: str, kid: str) -> None:
    """End a key and the tokens that stand on it; raises `NotFound`."""
    find(client_id)
    ended = session().execute(
        update(ClientKey)
        .where(ClientKey.client_id == client_id, ClientKey.kid == kid, ClientKey.revoked_at.is_(None))
        .values(revoked_at=now())
        .returning(ClientKey.id)
    )
    if ended.first() is None:
        raise NotFound
    revoke("client", client_id)
    audit.record("identity.client-key-retired", object=client_id, details={"kid": kid})


def keys_of(client_id: str) -> list[ClientKey]:
    """Return a client's keys, the retired ones too; raises `NotFound`."""
    find(client_id)
    wanted = select(ClientKey).where(ClientKey.client_id == client_id).order_by(ClientKey.created_at)
    return list(session().scalars(wanted))


def find(client_id: str) -> Client:
    """Return a client within the caller's reach; raises `NotFound`."""
    client = session().get(Client, client_id)
    owner = session().get(Organisation, client.organisation_id) if client and client.organisation_id else None
    desks.need_reach(ROLE, owner)
    if client is None:
        raise NotFound
    return client


def listed(*, cursor: str | None, limit: int) -> paging.Page[Client]:
    """Return one page of the clients within the caller's reach."""
    query = select(Client).outerjoin(Organisation, Organisation.id == Client.organisation_id).where(desks.reached(ROLE))
    return paging.page(query, key=(Client.created_at, Client.id), cursor=cursor, limit=limit)


def end_everything(client_id: str) -> None:
    """End what a client holds or waits for, in few statements however many people let it in."""
    ended = now()
    session().execute(
        update(AuthorizationGrant)
        .where(AuthorizationGrant.client_id == client_id, AuthorizationGrant.revoked_at.is_(None))
        .values(revoked_at=ended)
    )
    session().execute(
        update(PushedRequest)
        .where(PushedRequest.client_id == client_id, PushedRequest.consumed_at.is_(None))
        .values(consumed_at=ended)
    )
    session().execute(
        update(DecoupledRequest)
        .where(DecoupledRequest.client_id == client_id, DecoupledRequest.state.in_(("pending", "approved")))
        .values(state="denied")
    )
    revoke("client", client_id)


def _move(client_id: str, source: str, target: str) -> None:
    moved = session().execute(
        update(Client).where(Client.id == client_id, Client.state == source).values(state=target).returning(Client.id)
    )
    if moved.first() is None:
        raise Conflict


def _check(client: Client) -> None:
    if client.profile == "fapi2" and client.auth_method != "private_key_jwt":
        raise InvalidRequest(errors={"json": {"auth_method": ["a fapi2 client uses private_key_jwt"]}})
    if client.profile == "fapi2" and client.id_token_alg in _FORBIDDEN_BY_FAPI:
        raise InvalidRequest(errors={"json": {"id_token_alg": ["FAPI 2.0 forbids RS256"]}})
    rules.check_redirects(client.redirect_uris, confidential=client.auth_method in _CONFIDENTIAL)
    rules.check_redirects(client.post_logout_redirect_uris or [], confidential=client.auth_method in _CONFIDENTIAL)
    rules.check_https(
        "backchannel_logout_uri", [client.backchannel_logout_uri] if client.backchannel_logout_uri else []
    )
    rules.check_access(client.access)
    if client.sector is not None:
        _check_sector(client)


def _check_sector(client: Client) -> None:
    # Clients of one sector know a person by one id: only clients of one organisation may.
    stranger = session().scalar(
        select(Client.id).where(
            Client.sector == client.sector,
            Client.id != client.id,
            Client.organisation_id.is_distinct_from(client.organisation_id),
        )
    )
    if stranger is not None:
        raise InvalidRequest(errors={"json": {"sector": ["in use by another organisation"]}})
