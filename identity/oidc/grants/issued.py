"""What every grant does at its end: give the tokens of a consent that still lives, and leave an audit line."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, or_, select

from app import audit
from app.db import now, session
from app.guards import Kind, Principal, acting_as
from identity.accounts.models import Account
from identity.oidc import details, refresh_token, tokens
from identity.oidc.access import Wanted
from identity.oidc.clients import client_of
from identity.oidc.models import AuthorizationGrant
from identity.parties import acting
from identity.parties.acting import is_organisation
from identity.parties.models import Person


def live_grant(grant_id: str) -> AuthorizationGrant | None:
    """Return a grant that is neither withdrawn nor over, whose account and person are active and whose ground holds.

    Otherwise None.
    """
    found = (
        session()
        .scalars(
            select(AuthorizationGrant)
            .join(Account, Account.id == AuthorizationGrant.account_id)
            .join(Person, Person.id == AuthorizationGrant.person_id)
            .where(AuthorizationGrant.id == grant_id, *alive())
        )
        .first()
    )
    return found if found is not None and may_act(found) else None


def may_act(grant: AuthorizationGrant) -> bool:
    """Tell whether the ground on which a person acts for another, if any, still holds."""
    if grant.acting_for is None:
        return True
    found = acting.still_holds(actor=grant.person_id, party=grant.acting_for, evidence=grant.mandate_id)
    return found is not None and found.within(grant.access) == grant.access


def alive() -> tuple[ColumnElement[Any], ...]:
    """Return the conditions under which a grant, joined to its account and person, still gives tokens."""
    return (
        AuthorizationGrant.revoked_at.is_(None),
        or_(AuthorizationGrant.expires_at.is_(None), AuthorizationGrant.expires_at > now()),
        Account.state == "active",
        Person.state == "active",
    )


def tokens_of(
    grant: AuthorizationGrant,
    wanted: Wanted,
    *,
    nonce: str | None = None,
    jkt: str | None = None,
    carried: details.Details | None = None,
) -> dict[str, Any]:
    """Return the token answer of a person's grant, with an ID token where `openid` was granted.

    `jkt` is the key the caller proved; a grant bound to a key needs no other word.
    `carried` are the authorization details that the caller narrowed the grant's to.
    A client that may refresh gets the refresh token of the grant's generation.
    """
    bound = jkt or grant.jkt
    named = grant.authorization_details if carried is None else carried
    token = tokens.for_citizen(grant, wanted, jkt=bound, carried=named)
    record(
        acting_principal(grant),
        subject=grant.acting_for or grant.person_id,
        object=grant.id,
        audience=wanted.audience,
    )
    more: dict[str, Any] = {}
    if told := details.at(named, wanted.audience):
        more["authorization_details"] = told
    if "openid" in wanted.scopes:
        more["id_token"] = tokens.id_token(grant, nonce=nonce, access_token=token)
    if "refresh_token" in client_of(grant.client_id).grant_types:
        more["refresh_token"] = refresh_token.made(grant.id, grant.client_id, grant.refresh_generation)
    return tokens.answer(token, wanted.scopes, jkt=bound, **more)


def acting_principal(grant: AuthorizationGrant) -> Principal:
    """Return who acts by a grant, for whom and on what ground, for the audit trail."""
    return principal_for(
        grant.person_id,
        acting_for=grant.acting_for,
        capacity=grant.capacity,
        mandate_id=grant.mandate_id,
        assisted_by=grant.assisted_by,
    )


def principal_for(
    person_id: str, *, acting_for: str | None, capacity: str | None, mandate_id: str | None, assisted_by: str | None
) -> Principal:
    """Return a person as who acts, for oneself or for another; or the window official who helps that person."""
    if assisted_by is not None:
        return Principal(kind=Kind.CITIZEN, actor=assisted_by, acting_for=person_id, capacity="staff")
    organisation = acting_for if acting_for and is_organisation(acting_for) else None
    return Principal(
        kind=Kind.ORGANISATION if organisation else Kind.CITIZEN,
        actor=person_id,
        acting_for=acting_for,
        capacity=capacity,
        evidence=mandate_id,
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
