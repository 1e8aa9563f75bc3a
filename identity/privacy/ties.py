"""What ties a person to others and to outside parties: ended and made unreadable when the person is erased."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, or_, update

from app.db import now, session
from identity.authenticators.models import PendingLogIn, SentCode
from identity.federation.models import ProviderLink
from identity.parties import ending
from identity.parties.acting_models import Assistance, Mandate, Relationship
from identity.parties.models import NetworkIdentity
from identity.sessions.models import CrossDeviceLogIn, Ticket

_BECAUSE = "erased"


def forget_for_others(person_id: str) -> None:
    """End mandates, relationships and assistances on either side; rows stay, but name nobody by a number."""
    ending.end_acts_for(person_id)
    ending.end_acts_of(person_id)
    session().execute(
        update(Mandate)
        .where(or_(Mandate.principal_id == person_id, Mandate.agent_id == person_id))
        .values(
            state="revoked", addressee=secrets.token_bytes(32), authorization_details=[], evidence={}, ended_at=now(),
            ended_because=_BECAUSE,
        )
    )  # fmt: skip
    session().execute(
        update(Relationship)
        .where(or_(Relationship.actor_id == person_id, Relationship.party_id == person_id))
        .values(state="ended", addressee=None, evidence={}, ended_at=now(), ended_because=_BECAUSE)
    )
    session().execute(
        update(Assistance)
        .where(or_(Assistance.staff_id == person_id, Assistance.person_id == person_id), Assistance.ended_at.is_(None))
        .values(ended_at=now())
    )


def forget_outside(person_id: str, accounts: Sequence[str]) -> None:
    """Delete links to outside log-in providers and the national network identity, and log-ins half done."""
    session().execute(delete(NetworkIdentity).where(NetworkIdentity.person_id == person_id))
    for model in (ProviderLink, SentCode, PendingLogIn, CrossDeviceLogIn, Ticket):
        session().execute(delete(model).where(model.account_id.in_(accounts)))
