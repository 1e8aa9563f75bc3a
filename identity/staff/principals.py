"""The Principal of a person who acts as staff: kind, organisation and desks, read anew each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from app.db import session
from app.principal import CORE_AUDIENCE, Kind, Principal
from identity.oidc.models import AuthorizationGrant
from identity.oidc.tokens import family
from identity.parties.directory import directory
from identity.staff.capacities import desks_of
from identity.staff.desks import WINDOW


def as_staff(who: Principal, *, person_id: str, organisation_id: str, session_id: str) -> Principal | None:
    """Return a citizen's Principal as the official's; None when the person no longer works there.

    An official has no affairs of their own here: `party` is None.
    """
    desks = desks_of(person_id, organisation_id)
    if not desks:
        return None
    core = who.audience == CORE_AUDIENCE
    known = organisation_id if core else directory.subject_of(organisation_id, who.audience)
    return replace(
        who,
        kind=Kind.OFFICIAL,
        party=None,
        organisation=known,
        desks=tuple((known, role, area) for _, role, area in desks),
        session=session_id if core else None,
    )


def of_token(who: Principal, claims: Mapping[str, Any]) -> Principal | None:
    """Return the official a token speaks for; None once grant, role, person or organisation is gone."""
    person_id = directory.party_of(claims["sub"], who.audience)
    grant = _grant(person_id, claims, who.audience) if person_id else None
    if person_id is None or grant is None or grant.staff_of is None:
        return None
    core = who.audience == CORE_AUDIENCE
    acting = replace(who, actor=person_id if core else who.actor)
    return as_staff(acting, person_id=person_id, organisation_id=grant.staff_of, session_id=grant.session_id)


def may_assist(who: Principal) -> bool:
    """Tell whether an official sits at a service window, and so may help a person log in."""
    return who.kind is Kind.OFFICIAL and any(role == WINDOW for _, role, _ in who.desks)


def _grant(person_id: str, claims: Mapping[str, Any], audience: str) -> AuthorizationGrant | None:
    open_ones = session().scalars(
        select(AuthorizationGrant).where(
            AuthorizationGrant.person_id == person_id,
            AuthorizationGrant.client_id == claims["client_id"],
            AuthorizationGrant.staff_of.is_not(None),
            AuthorizationGrant.revoked_at.is_(None),
        )
    )
    return next((each for each in open_ones if family(each.id, audience) == claims.get("sid")), None)
