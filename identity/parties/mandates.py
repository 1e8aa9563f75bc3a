"""Kin delegation (亲友代办): one person lets another do named things, for a purpose, until a day."""

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
from identity.parties import details, ending, people
from identity.parties.acting_models import Mandate
from identity.parties.errors import AlreadyGiven, CannotBeGiven, OneselfOnly, Settled

LONGEST = timedelta(days=366)


def give(
    principal: str, *, name: str, resident_id: str, purpose: str, authorization_details: Any, expires_at: datetime
) -> Mandate:
    """Offer a mandate to whoever bears this name and number; in force once that person accepts.

    The answer is the same whether that person is known here or not. Raises
    `ProvenPersonsOnly`, `AdultsOnly`, `BadIdentifier`, `OneselfOnly`,
    `CannotBeGiven`, `AlreadyGiven`.
    """
    giver = people.proven_adult(principal)
    number = people.resident(resident_id).reveal()
    if giver.resident_id_index == people.number_index(number):
        raise OneselfOnly
    if not now() < expires_at <= now() + LONGEST:
        raise CannotBeGiven(errors={"expires_at": ["a mandate runs at most a year from now"]})
    given = details.checked(authorization_details)
    addressee = people.addressee(name, number)
    _close_expired(principal, addressee, purpose)
    try:
        with session().begin_nested():
            mandate = add(
                Mandate(
                    principal_id=principal,
                    addressee=addressee,
                    purpose=purpose,
                    authorization_details=given,
                    expires_at=expires_at,
                )
            )
    except IntegrityError:
        raise AlreadyGiven from None
    audit.record("identity.mandate-given", subject=principal, object=mandate.id, purpose=purpose)
    return mandate


def accept(mandate_id: str, *, agent: str) -> Mandate:
    """Take an offered mandate, once; raises `NotFound` for one that is not this person's to take, `Settled`."""
    person = people.proven_adult(agent)
    offer = _addressed(mandate_id, people.addressee_of(person))
    taken = session().execute(
        update(Mandate)
        .where(Mandate.id == offer.id, Mandate.state == "offered", Mandate.expires_at > now())
        .values(state="active", agent_id=agent, accepted_at=now())
        .returning(Mandate.id)
    )
    if taken.first() is None:
        raise Settled
    audit.record("identity.mandate-accepted", subject=offer.principal_id, object=offer.id, purpose=offer.purpose)
    _tell(offer.principal_id, "identity.mandate-accepted", offer)
    return _fresh(offer)


def refuse(mandate_id: str, *, agent: str) -> Mandate:
    """Decline an offered mandate; raises `NotFound`, `Settled`."""
    person = people.proven_adult(agent)
    offer = _addressed(mandate_id, people.addressee_of(person))
    _end(offer, ("offered",), state="refused", because="agent")
    audit.record("identity.mandate-refused", subject=offer.principal_id, object=offer.id, purpose=offer.purpose)
    return _fresh(offer)


def revoke(mandate_id: str, *, by: str) -> Mandate:
    """End a mandate at once, by whoever gave it or holds it; raises `NotFound` for others, `Settled`."""
    held = session().get(Mandate, mandate_id)
    if held is None or by not in (held.principal_id, held.agent_id):
        raise NotFound
    _end(held, ("offered", "active"), state="revoked", because="principal" if by == held.principal_id else "agent")
    ending.end_acts(held.id)
    audit.record("identity.mandate-revoked", subject=held.principal_id, object=held.id, purpose=held.purpose)
    other = held.agent_id if by == held.principal_id else held.principal_id
    if other is not None:
        _tell(other, "identity.mandate-revoked", held)
    return _fresh(held)


def given_by(person: str) -> Sequence[Mandate]:
    """Return every mandate a person ever gave, newest first."""
    return session().scalars(select(Mandate).where(Mandate.principal_id == person).order_by(Mandate.id.desc())).all()


def held_by(person_id: str) -> Sequence[Mandate]:
    """Return every mandate a person holds or held, and those that wait for an answer, newest first."""
    person = people.active(person_id)
    mine = Mandate.agent_id == person_id
    if person is not None and person.proofing_level >= people.PROVEN:
        offered = (Mandate.state == "offered") & (Mandate.expires_at > now())
        mine = or_(mine, (Mandate.addressee == people.addressee_of(person)) & offered)
    return session().scalars(select(Mandate).where(mine).order_by(Mandate.id.desc())).all()


def state_of(mandate: Mandate) -> str:
    """Return a mandate's state at this moment; expiry is a matter of time, not of a row."""
    expired = mandate.state in ("offered", "active") and mandate.expires_at <= now()
    return "expired" if expired else mandate.state


def _addressed(mandate_id: str, addressee: bytes) -> Mandate:
    offer = session().get(Mandate, mandate_id)
    if offer is None or offer.addressee != addressee:
        raise NotFound
    return offer


def _end(mandate: Mandate, states: tuple[str, ...], *, state: str, because: str) -> None:
    ended = session().execute(
        update(Mandate)
        .where(Mandate.id == mandate.id, Mandate.state.in_(states))
        .values(state=state, ended_at=now(), ended_because=because)
        .returning(Mandate.id)
    )
    if ended.first() is None:
        raise Settled


def _close_expired(principal: str, addressee: bytes, purpose: str) -> None:
    session().execute(
        update(Mandate)
        .where(
            Mandate.principal_id == principal,
            Mandate.addressee == addressee,
            Mandate.purpose == purpose,
            Mandate.state.in_(("offered", "active")),
            Mandate.expires_at <= now(),
        )
        .values(state="revoked", ended_at=Mandate.expires_at, ended_because="expired")
    )


def _tell(party: str, kind: str, mandate: Mandate) -> None:
    notices.send(party=party, kind=kind, reference=mandate.id, arguments={}, link="/account/mandates")


def _fresh(mandate: Mandate) -> Mandate:
    session().refresh(mandate)
    return mandate
