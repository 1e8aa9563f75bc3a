"""What every grant does at its end: give the tokens of a consent that still lives, and leave an audit line."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app import audit
from app.db import session
from app.guards import Kind, Principal, acting_as
from identity.accounts.models import Account
from identity.oidc import tokens
from identity.oidc.access import Wanted
from identity.oidc.models import AuthorizationGrant
from identity.parties.models import Person


def live_grant(grant_id: str) -> AuthorizationGrant | None:
    """Return a grant that is not withdrawn and whose account and person are active, else None."""
    return (
        session()
        .scalars(
            select(AuthorizationGrant)
            .join(Account, Account.id == AuthorizationGrant.account_id)
            .join(Person, Person.id == AuthorizationGrant.person_id)
            .where(
                AuthorizationGrant.id == grant_id,
                AuthorizationGrant.revoked_at.is_(None),
                Account.state == "active",
                Person.state == "active",
            )
        )
        .first()
    )


def tokens_of(grant: AuthorizationGrant, wanted: Wanted, *, nonce: str | None = None) -> dict[str, Any]:
    """Return the token answer of a person's grant, with an ID token where `openid` was granted."""
    token = tokens.for_citizen(grant, wanted)
    record(
        Principal(kind=Kind.CITIZEN, actor=grant.person_id),
        subject=grant.person_id,
        object=grant.id,
        audience=wanted.audience,
    )
    more = {}
    if "openid" in wanted.scopes:
        more["id_token"] = tokens.id_token(grant, nonce=nonce, access_token=token)
    return tokens.answer(token, wanted.scopes, **more)


def record(who: Principal, *, object: str, subject: str | None = None, audience: str | None = None) -> None:
    """Leave the audit line of a token."""
    with acting_as(who):
        audit.record(
            "identity.token-issued",
            subject=subject,
            object=object,
            details={"audience": audience} if audience else None,
        )
