"""Attest that a person stands before a terminal; use two attestations up."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update

from app import audit, crypto
from app.db import add, now, session
from app.errors import NotFound
from app.principal import Principal
from identity.attestations.errors import NotYourDesk
from identity.attestations.models import PresenceAttestation
from identity.attestations.ports import attesters
from identity.devices.models import Device

TTL = timedelta(minutes=10)
KEPT = timedelta(days=1)
DOCUMENTS = ("resident_card", "passport", "residence_permit", "social_card", "household_register")
NEEDED = 2


def attest(*, who: Principal, terminal: str, purpose: str, resident_id: str, document: str) -> PresenceAttestation:
    """Record that this official compared a person at a terminal with a document; it holds ten minutes.

    Whether the number is known is not told. Raises `NotFound` for an unknown terminal, `NotYourDesk`.
    """
    place = session().scalar(select(Device.place).where(Device.id == terminal, Device.state == "active"))
    if place is None:
        raise NotFound()
    if not attesters.only().may_attest(who, place=place):
        raise NotYourDesk()
    made = add(
        PresenceAttestation(
            claim_index=index_of(resident_id), terminal=terminal, purpose=purpose, official=who.actor, document=document
        )
    )
    audit.record(
        "identity.presence-attested", object=made.id, purpose=purpose,
        details={"terminal": terminal, "document": document},
    )  # fmt: skip
    return made


def use(*, terminal: str, purpose: str, resident_id: str) -> tuple[str, ...]:
    """Use up the living attestations of a person here and return their officials; none while one is missing."""
    living = session().execute(
        select(PresenceAttestation.id, PresenceAttestation.official)
        .where(
            PresenceAttestation.claim_index == index_of(resident_id), PresenceAttestation.terminal == terminal,
            PresenceAttestation.purpose == purpose, PresenceAttestation.consumed_at.is_(None),
            PresenceAttestation.made_at > now() - TTL,
        )
        .order_by(PresenceAttestation.id)
        .with_for_update()
    ).all()  # fmt: skip
    officials = tuple(sorted({row.official for row in living}))
    if len(officials) < NEEDED:
        return ()
    session().execute(
        update(PresenceAttestation)
        .where(PresenceAttestation.id.in_([row.id for row in living]))
        .values(consumed_at=now())
        .execution_options(synchronize_session=False)
    )
    return officials


def sweep() -> None:
    """Delete attestations of yesterday; the audit trail says who made them."""
    session().execute(delete(PresenceAttestation).where(PresenceAttestation.made_at < now() - KEPT))


def index_of(resident_id: str) -> bytes:
    """Return the keyed hash a person's number is attested by: the one persons are found by."""
    return crypto.blind_index(resident_id.upper(), purpose="resident-id")
