"""Guardians and wards, legal representatives and the agents they appoint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from app import audit
from app.db import add, now, session
from app.errors import NotFound
from app.notices import service as notices
from identity.parties import acting, details, ending, people
from identity.parties.acting import Capacity, CapacityKind
from identity.parties.acting_models import Relationship
from identity.parties.errors import AlreadyGiven, CannotBeGiven, OneselfOnly, Settled

LONGEST_APPOINTMENT = timedelta(days=3 * 366)


def enter(
    kind: str, *, actor: str, party: str, evidence: dict[str, Any], until: datetime | None = None
) -> Relationship:
    """Enter a relationship that a register has confirmed; raises `AlreadyGiven`, `OneselfOnly`."""
    if actor == party:
        raise OneselfOnly
    _close_expired(party)
    found = _inserted(
        Relationship(
            kind=kind, actor_id=actor, party_id=party, evidence=evidence, valid_until=until, state="active",
            accepted_at=now(),
        )
    )  # fmt: skip
    audit.record("identity.relationship-entered", subject=party, object=found.id, details={"kind": kind})
    return found


def appoint(
    legal_representative: str, organisation: str, *, name: str, resident_id: str, role: str, access: Any,
    expires_at: datetime,
) -> Relationship:  # fmt: skip
    """Offer somebody to act for an organisation; raises `NotFound` unless the caller represents it.

    Also raises `OneselfOnly`, `BadIdentifier`, `CannotBeGiven`, `AlreadyGiven`.
    """
    ground = represents(legal_representative, organisation)
    number = people.resident(resident_id).reveal()
    giver = people.proven_adult(legal_representative)
    if giver.resident_id_index == people.number_index(number):
        raise OneselfOnly
    if not now() < expires_at <= now() + LONGEST_APPOINTMENT:
        raise CannotBeGiven(errors={"expires_at": ["an appointment runs at most three years from now"]})
    allowed = details.access(details.checked(access))
    _close_expired(organisation)
    found = _inserted(
        Relationship(
            kind="agent", addressee=people.addressee(name, number), party_id=organisation, role=role, access=allowed,
            evidence={"source": "legal-representative"}, appointed_by=ground.evidence, state="offered",
            valid_until=expires_at,
        )
    )  # fmt: skip
    audit.record("identity.agent-appointed", subject=organisation, object=found.id)
    return found


def accept(relationship_id: str, *, agent: str) -> Relationship:
    """Take an appointment, once; raises `NotFound` for one made to somebody else, `Settled`, `AlreadyGiven`."""
    offer = _addressed(relationship_id, agent)
    try:
        with session().begin_nested():
            taken = session().execute(
                update(Relationship)
                .where(Relationship.id == offer.id, Relationship.state == "offered", Relationship.valid_until > now())
                .values(state="active", actor_id=agent, accepted_at=now(), addressee=None)
                .returning(Relationship.id)
            )
    except IntegrityError:
        raise AlreadyGiven from None
    if taken.first() is None:
        raise Settled
    audit.record("identity.agent-accepted", subject=offer.party_id, object=offer.id)
    session().refresh(offer)
    return offer


def refuse(relationship_id: str, *, agent: str) -> None:
    """Decline an appointment; raises `NotFound`, `Settled`."""
    offer = _addressed(relationship_id, agent)
    _end(offer, ("offered",), because="refused")
    audit.record("identity.agent-refused", subject=offer.party_id, object=offer.id)


def dismiss(relationship_id: str, *, organisation: str, by: str) -> None:
    """End an agent's appointment at once, by the legal representative or the agent; raises `NotFound`, `Settled`."""
    held = _held(relationship_id)
    if held.kind != "agent" or held.party_id != organisation:
        raise NotFound
    if held.actor_id != by:
        represents(by, organisation)
    _end(held, ("offered", "active", "disputed"), because="resigned" if held.actor_id == by else "dismissed")
    ending.end_acts(held.id)
    audit.record("identity.agent-dismissed", subject=organisation, object=held.id)


def end(relationship_id: str, *, because: str) -> None:
    """End a relationship that a register or a court has ended; raises `NotFound`, `Settled`."""
    held = _held(relationship_id)
    _end(held, ("offered", "active", "disputed"), because=because)
    ending.end_acts(held.id)
    audit.record("identity.relationship-ended", subject=held.party_id, object=held.id, details={"because": because})


def resign(relationship_id: str, *, by: str) -> None:
    """Stop acting for a ward or organisation here, by whoever acts; raises `NotFound`, `Settled`."""
    if _held(relationship_id).actor_id != by:
        raise NotFound
    end(relationship_id, because="resigned")


def dispute(relationship_id: str, *, by: str) -> None:
    """Suspend a guardianship at once until it is decided, by the ward; raises `NotFound`, `Settled`.

    A ward below 14 is heard at a window.
    """
    held = _held(relationship_id)
    if held.kind != "guardian" or held.party_id != by:
        raise NotFound
    suspend(held.id)


def suspend(relationship_id: str) -> None:
    """Suspend a relationship that is in dispute: nobody acts on it; raises `NotFound`, `Settled`."""
    held = _held(relationship_id)
    _move(held, "active", "disputed")
    ending.end_acts(held.id)
    audit.record("identity.relationship-disputed", subject=held.party_id, object=held.id)
    if held.actor_id is not None:
        notices.send(
            party=held.actor_id, kind="identity.relationship-disputed", reference=f"{held.id}/{now():%Y%m%d%H%M%S}",
            arguments={}, link="/account/family",
        )  # fmt: skip


def settle(relationship_id: str) -> None:
    """Let a relationship count again after its dispute; raises `NotFound`, `Settled`."""
    held = _held(relationship_id)
    _move(held, "disputed", "active")
    audit.record("identity.relationship-settled", subject=held.party_id, object=held.id)


def represents(person: str, organisation: str) -> Capacity:
    """Return the capacity of an organisation's legal representative; raises `NotFound` for everybody else."""
    for capacity in acting.capacities(person):
        if capacity.kind is CapacityKind.LEGAL_REPRESENTATIVE and capacity.party == organisation:
            return capacity
    raise NotFound


def led(relationship_id: str, *, by: str) -> str:
    """Return the organisation that a caller legally represents by this relationship; raises `NotFound`."""
    row = _held(relationship_id)
    if row.kind != "legal_representative" or row.actor_id != by:
        raise NotFound
    represents(by, row.party_id)
    return row.party_id


def of_actor(person_id: str, *kinds: str) -> Sequence[Relationship]:
    """Return what a person acts or acted on, with appointments that wait for the person's answer, newest first."""
    person = people.active(person_id)
    mine = Relationship.actor_id == person_id
    if person is not None and person.proofing_level >= people.PROVEN:
        mine = or_(mine, (Relationship.addressee == people.addressee_of(person)) & (Relationship.state == "offered"))
    return _newest(mine, Relationship.kind.in_(kinds))


def of_party(party: str, *kinds: str) -> Sequence[Relationship]:
    """Return who acts or acted for a party, newest first."""
    return _newest(Relationship.party_id == party, Relationship.kind.in_(kinds))


def state_of(row: Relationship) -> str:
    """Return a relationship's state at this moment."""
    if row.state != "ended" and row.valid_until is not None and row.valid_until <= now():
        return "expired"
    if row.state == "active" and row.actor_id is not None:
        held = acting.still_holds(actor=row.actor_id, party=row.party_id, evidence=row.id)
        return "active" if held is not None else "lapsed"
    return row.state


def _newest(*where: Any) -> Sequence[Relationship]:
    return session().scalars(select(Relationship).where(*where).order_by(Relationship.id.desc())).all()


def _held(relationship_id: str) -> Relationship:
    found = session().get(Relationship, relationship_id)
    if found is None:
        raise NotFound
    return found


def _addressed(relationship_id: str, agent: str) -> Relationship:
    person = people.proven_adult(agent)
    offer = _held(relationship_id)
    if agent != offer.actor_id and offer.addressee != people.addressee_of(person):
        raise NotFound
    return offer


def _inserted(row: Relationship) -> Relationship:
    try:
        with session().begin_nested():
            return add(row)
    except IntegrityError:
        raise AlreadyGiven from None


def _end(row: Relationship, states: tuple[str, ...], *, because: str) -> None:
    ended = session().execute(
        update(Relationship)
        .where(Relationship.id == row.id, Relationship.state.in_(states))
        .values(state="ended", ended_at=now(), ended_because=because)
        .returning(Relationship.id)
    )
    if ended.first() is None:
        raise Settled


def _move(row: Relationship, source: str, target: str) -> None:
    moved = session().execute(
        update(Relationship)
        .where(Relationship.id == row.id, Relationship.state == source)
        .values(state=target)
        .returning(Relationship.id)
    )
    if moved.first() is None:
        raise Settled


def _close_expired(party: str) -> None:
    session().execute(
        update(Relationship)
        .where(Relationship.party_id == party, Relationship.state != "ended", Relationship.valid_until <= now())
        .values(state="ended", ended_at=Relationship.valid_until, ended_because="expired")
    )
