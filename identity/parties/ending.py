"""End what stands on a ground that has ended: grants, sessions and thereby tokens, at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select, update

from app.db import now, session
from identity.oidc.models import AuthorizationGrant
from identity.oidc.revocation import revoke_grant
from identity.parties.acting_models import Assistance, Relationship
from identity.sessions.models import BrowserSession


def end_acts(evidence: str) -> None:
    """End every grant and session that acts on this ground; an agent's appointment falls with its giver's."""
    _end(AuthorizationGrant.mandate_id == evidence, BrowserSession.acting_evidence == evidence)
    appointed = select(Relationship.id).where(Relationship.appointed_by == evidence, Relationship.state != "ended")
    for each in session().scalars(appointed).all():
        end_acts(each)


def end_acts_for(party: str) -> None:
    """End every grant and session of others that act for this party."""
    _end(
        AuthorizationGrant.acting_for == party,
        (BrowserSession.acting_for == party) & BrowserSession.acting_evidence.is_not(None),
    )


def end_acts_of(person: str) -> None:
    """End what stands on a person who acted: appointments given as legal representative, and assistances."""
    given = select(Relationship.id).where(Relationship.actor_id == person, Relationship.state != "ended")
    for each in session().scalars(given).all():
        end_acts(each)
    end_assistances(person)


def end_assistances(staff: str) -> None:
    """End whatever window staff sees to now; call it whenever a role is taken away."""
    ended = session().scalars(
        update(Assistance)
        .where(or_(Assistance.staff_id == staff, Assistance.person_id == staff), Assistance.ended_at.is_(None))
        .values(ended_at=now())
        .returning(Assistance.id)
    )
    for each in ended.all():
        end_acts(each)


def _end(grants: Any, sessions: Any) -> None:
    standing = select(AuthorizationGrant).where(grants, AuthorizationGrant.revoked_at.is_(None))
    for grant in session().scalars(standing).all():
        revoke_grant(grant)
    session().execute(update(BrowserSession).where(sessions, BrowserSession.ended_at.is_(None)).values(ended_at=now()))
