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
from identity.parties import acting
from identity.parties.acting import is_organisation
from identity.parties.models import Person


def live_grant(grant_id: str) -> AuthorizationGrant | None:
    """Return a grant that is not withdrawn, whose account and person are active and whose ground to act holds.

    Otherwise None.
    """
    found = (
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
    return found if found is not None and _may_act(found) else None


def _may_act(grant: AuthorizationGrant) -> bool:
    if grant.acting_for is None:
        return True
    found = acting.still_holds(actor=grant.person_id, party=grant.acting_for, evidence=grant.mandate_id)
    return found is not None and found.within(grant.access) == grant.access


def tokens_of(grant: AuthorizationGrant, wanted: Wanted, *, nonce: str | None = None) -> dict[str, Any]:
    """Return the token answer of a person's grant, with an ID token where `openid` was granted."""
    token = tokens.for_citizen(grant, wanted)
    record(
        acting_principal(grant),
        subject=grant.acting_for or grant.person_id,
        object=grant.id,
        audience=wanted.audience,
    )
    more = {}
    if "openid" in wanted.scopes:
        more["id_token"] = tokens.id_token(grant, nonce=nonce, access_token=token)
    return tokens.answer(token, wanted.scopes, **more)


def acting_principal(grant: AuthorizationGrant) -> Principal:
    """Return who acts by a grant, for whom and on what ground, for the audit trail."""
    organisation = grant.acting_for if grant.acting_for and is_organisation(grant.acting_for) else None
    return Principal(
        kind=Kind.ORGANISATION if organisation else Kind.CITIZEN,
        actor=grant.person_id,
        acting_for=grant.acting_for,
        capacity=grant.capacity,
        evidence=grant.mandate_id,
        organisation=organisation,
    )


def record(who: Principal, *, object: str, subject: str | None = None, audience: str | None = None) -> None:
    """Leave the audit line of a token."""
    with acting_as(who):
        audit.record(
            "identity.token-issued",
            subject=subject,
            object=object,
            details={"audience": audience} if audience else None,
        )
