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
from identity.parties.models import Person


def live_grant(grant_id: str) -> AuthorizationGrant | None:
    """Return a grant that is neither withdrawn nor over, and whose account and person are active, else None."""
    return (
        session()
        .scalars(
            select(AuthorizationGrant)
            .join(Account, Account.id == AuthorizationGrant.account_id)
            .join(Person, Person.id == AuthorizationGrant.person_id)
            .where(AuthorizationGrant.id == grant_id, *alive())
        )
        .first()
    )


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
        Principal(kind=Kind.CITIZEN, actor=grant.person_id),
        subject=grant.person_id,
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


def record(who: Principal, *, object: str, subject: str | None = None, audience: str | None = None) -> None:
    """Leave the audit line of a token."""
    with acting_as(who):
        audit.record(
            "identity.token-issued",
            subject=subject,
            object=object,
            details={"audience": audience} if audience else None,
        )
