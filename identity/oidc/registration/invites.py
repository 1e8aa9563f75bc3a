"""Invitations to register: given out by administration, good for one client."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select, update

from app import audit
from app.db import add, now, session, unit_of_work
from app.errors import NotFound
from identity.oidc.errors import OAuthError
from identity.oidc.registration.models import RegistrationInvite
from identity.parties.models import Organisation

LIFETIME = timedelta(days=7)


def invite(
    *,
    access: Mapping[str, list[str]],
    serves: str | None = None,
    detail_types: list[str] | None = None,
    organisation_id: str | None = None,
) -> str:
    """Return a new initial access token; raises `NotFound` for an unknown organisation.

    It decides what the client may ever ask for: scopes by audience, the
    audience whose tokens it may exchange, the authorization details.
    """
    if organisation_id is not None and session().get(Organisation, organisation_id) is None:
        raise NotFound
    token = secrets.token_urlsafe(32)
    made = add(
        RegistrationInvite(
            token_hash=token_hash(token),
            access={audience: list(scopes) for audience, scopes in access.items()},
            serves=serves,
            detail_types=detail_types or [],
            organisation_id=organisation_id,
            expires_at=now() + LIFETIME,
        )
    )
    audit.record("identity.client-invited", object=made.id)
    return token


def token_hash(token: str) -> bytes:
    """Return the form in which invitations and registration tokens are kept."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def find(token: str) -> RegistrationInvite:
    """Return an unused, live invitation; raises `invalid_token`."""
    found = session().scalars(
        select(RegistrationInvite).where(
            RegistrationInvite.token_hash == token_hash(token),
            RegistrationInvite.consumed_at.is_(None),
            RegistrationInvite.expires_at > now(),
        )
    )
    invitation = found.first()
    if invitation is None:
        raise unknown_token()
    return invitation


def consume(invitation: RegistrationInvite, *, client_id: str) -> None:
    """Use an invitation up, for one client and for good; raises `invalid_token` for all others."""
    with unit_of_work():
        taken = session().scalar(
            update(RegistrationInvite)
            .where(
                RegistrationInvite.token_hash == invitation.token_hash,
                RegistrationInvite.consumed_at.is_(None),
                RegistrationInvite.expires_at > now(),
            )
            .values(consumed_at=now(), client_id=client_id)
            .returning(RegistrationInvite.id)
        )
    if taken is None:
        raise unknown_token()


def unknown_token() -> OAuthError:
    """Return the one answer to every token that does not open the door."""
    challenge = {"WWW-Authenticate": 'Bearer realm="registration", error="invalid_token"'}
    return OAuthError("invalid_token", "the token is unknown, used or expired", status=401, headers=challenge)
