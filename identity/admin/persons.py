"""Persons, for officials: found by their ID number alone, with a reason; stopped and let in again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from app import audit
from app.db import now, session, unit_of_work
from app.errors import Conflict, NotFound
from app.principal import Kind, principal
from identity import handles
from identity.accounts.models import Account
from identity.oidc.models import DecoupledRequest
from identity.parties import people
from identity.parties import service as parties
from identity.parties.models import Person
from identity.sessions.models import BrowserSession
from identity.staff import desks

ROLE = "people"
REASONS = ("identity-check", "correction", "complaint", "fraud", "court-order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A person as an official at a desk sees them: enough to know that it is the right one."""

    id: str
    name: str
    area: str
    proofing_level: int
    state: str


def find(resident_id: str, *, reason: str) -> Found:
    """Return the person with exactly this ID number; raises `NotFound`, also for one out of reach.

    Both ways leave an audit line with the reason; the number is in neither.
    """
    desks.need_desk(ROLE)
    index = people.number_index(people.resident(resident_id).reveal())
    person = session().scalars(select(Person).where(Person.resident_id_index == index)).first()
    if person is None or not within_reach(person):
        # Committed on its own: nobody looks for people unseen, whatever the answer.
        with unit_of_work():
            audit.record("identity.person-looked-up", purpose=reason, outcome="not-found")
        raise NotFound
    audit.record("identity.person-looked-up", subject=person.id, purpose=reason)
    return shown(person)


def shown(person: Person) -> Found:
    """Return what an official sees of a person."""
    return Found(
        id=handles.handle_of(person.id),
        name=people.masked_name(person),
        area=person.area,
        proofing_level=person.proofing_level,
        state=person.state,
    )


def by_handle(handle: str) -> Person:
    """Return a person within the caller's reach; raises `NotFound`."""
    desks.need_desk(ROLE)
    person = session().get(Person, handles.person_of(handle))
    if person is None or person.state == "erased" or not within_reach(person):
        raise NotFound
    return person


def look(handle: str) -> Found:
    """Return what an official sees of one person; leaves an audit line. Raises `NotFound`."""
    person = by_handle(handle)
    audit.record("identity.person-looked-up", subject=person.id)
    return shown(person)


def within_reach(person: Person) -> bool:
    """Tell whether the caller's area covers the person's."""
    who = principal()
    if who.kind is Kind.SYSTEM:
        return True
    return any(role in (ROLE, desks.ADMINISTRATOR) and person.area.startswith(area) for _, role, area in who.desks)


def disable(person_id: str) -> None:
    """Stop a person everywhere: sessions, posts, requests, consents and tokens; raises `Conflict`."""
    parties.disable_person(person_id)
    accounts = select(Account.id).where(Account.person_id == person_id)
    session().execute(
        update(BrowserSession)
        .where(BrowserSession.account_id.in_(accounts), BrowserSession.ended_at.is_(None))
        .values(ended_at=now())
    )
    session().execute(
        update(DecoupledRequest)
        .where(DecoupledRequest.person_id == person_id, DecoupledRequest.state.in_(("pending", "approved")))
        .values(state="denied")
    )


def enable(handle: str, *, reason: str) -> None:
    """Let a stopped person log in again; what ended stays ended. Raises `NotFound`, `Conflict`."""
    person = by_handle(handle)
    moved = session().execute(
        update(Person)
        .where(Person.id == person.id, Person.state == "disabled")
        .values(state="active")
        .returning(Person.id)
    )
    if moved.first() is None:
        raise Conflict
    session().execute(
        update(Account).where(Account.person_id == person.id, Account.state == "disabled").values(state="active")
    )
    audit.record("identity.person-enabled", subject=person.id, purpose=reason)


def duplicates(person_id: str) -> list[str]:
    """Return handles of active persons with the same mobile number: perhaps one human under two ID numbers."""
    mobile = select(Person.mobile_index).where(Person.id == person_id).scalar_subquery()
    alike = session().scalars(
        select(Person.id)
        .where(Person.mobile_index == mobile, Person.id != person_id, Person.state == "active")
        .limit(50)
    )
    found = list(alike)
    for each in (person_id, *found):
        audit.record("identity.duplicates-searched", subject=each)
    return [handles.handle_of(each) for each in found]
