"""Raise, confirm and lower a person's proofing level; every step leaves an event that nobody can change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app import audit, crypto
from app.db import add, now, outside_wait, session, unit_of_work
from app.errors import Conflict, NotFound
from app.ids import new_id
from app.notices import service as notices
from identity.oidc.revocation import revoke_grants_of
from identity.parties import ending, people, relationships
from identity.parties.ages import Stage
from identity.parties.errors import GuardianMustAct, NotStaff
from identity.parties.models import NetworkIdentity, Person, ProofingEvent
from identity.parties.service import disable_person
from identity.parties.staff import WINDOW, holds_role
from identity.proofing import levels
from identity.proofing.errors import (
    AlreadyProven,
    DocumentExpired,
    NotMatched,
    ProvenElsewhere,
    RegisterUnavailable,
    TicketNotUsable,
)
from identity.proofing.levels import Way
from identity.proofing.terms import (
    Document,
    Holder,
    RegisterDown,
    Verdict,
    network_identity,
    population_register,
)

T = TypeVar("T")


def match(person_id: str) -> int:
    """Raise a person to level 3 by name and number; returns the level.

    Raises `AlreadyProven`, `NotMatched`, `ProvenElsewhere`, `RegisterUnavailable`.
    """
    holder = _stated(person_id, above=levels.MATCHED)
    verdict = asked("population", lambda: population_register.only().match(holder))
    _accepted(person_id, verdict, levels.NAME_NUMBER)
    return raised(person_id, levels.NAME_NUMBER, holder)


def show_document(person_id: str, document: Document) -> int:
    """Raise a person to level 4 by the card; returns the level.

    Raises as `match`, and `DocumentExpired`.
    """
    holder = _stated(person_id, above=levels.DOCUMENT)
    verdict = asked("population", lambda: population_register.only().document(holder, document))
    if verdict is Verdict.EXPIRED:
        raise DocumentExpired
    _accepted(person_id, verdict, levels.CARD)
    return raised(person_id, levels.CARD, holder)


def show_ticket(person_id: str, ticket: str) -> int:
    """Raise a person to level 4 by the national network identity, and keep its identifier sealed.

    A person under 18 needs a guardian on record, who is told (Decree 173, 5).
    Raises as `match`, `TicketNotUsable`, `GuardianMustAct`.
    """
    _supervised(person_id)
    holder = _stated(person_id)
    proof = asked("network_identity", lambda: network_identity.only().verify(ticket, holder))
    if proof.verdict is not Verdict.MATCHED:
        _refused(person_id, levels.NETWORK)
        raise TicketNotUsable
    _bind(person_id, proof.identifier)
    _tell_guardians(person_id)
    return raised(person_id, levels.NETWORK, holder)


def forget_network_identity(person_id: str) -> None:
    """Stop using a person's network identity; what it proved stays proven. Raises `NotFound`."""
    ended = session().execute(
        update(NetworkIdentity)
        .where(NetworkIdentity.person_id == person_id, NetworkIdentity.ended_at.is_(None))
        .values(ended_at=now())
        .returning(NetworkIdentity.id)
    )
    if ended.first() is None:
        raise NotFound
    audit.record("identity.network-identity-forgotten", subject=person_id)


def see_at_window(person_id: str, *, staff: str, place: str) -> int:
    """Raise a person to level 5: window staff has seen person and card; raises `NotStaff`, `ProvenElsewhere`."""
    if staff == person_id or not holds_role(staff, WINDOW, place):
        raise NotStaff
    return raised(person_id, levels.AT_WINDOW, _stated(person_id), evidence={"staff": staff, "place": place})


def recheck(person_id: str) -> Verdict:
    """Ask the register again about a proven person and let the level fall if it says so.

    Deceased: identity, sessions, tokens and mandates end. No longer matching:
    back to self-stated, and everything that rests on the level ends. Raises
    `RegisterUnavailable`, after which nothing has changed.
    """
    holder = _stated(person_id)
    verdict = asked("population", lambda: population_register.only().match(holder))
    if verdict is Verdict.MATCHED:
        person = _held(person_id)
        person.checked_at = now()
        _event(person, levels.NAME_NUMBER, outcome="confirmed", level=person.proofing_level)
    else:
        fall(person_id, because=verdict.value)
    return verdict


def fall(person_id: str, *, because: str) -> None:
    """Let a person's level fall to self-stated, with a register's verdict or `taken_over`; the number is free again."""
    person = _held(person_id)
    person.proofing_level, person.resident_id_index, person.checked_at = levels.SELF_STATED, None, now()
    _event(person, levels.NAME_NUMBER, outcome=because, level=levels.SELF_STATED)
    session().flush()
    # Tokens say the level they were given at: they have to go with it.
    revoke_grants_of(person_id=person_id)
    ending.end_acts_of(person_id)
    audit.record("identity.proofing-fell", subject=person_id, details={"because": because})
    if because == Verdict.DECEASED:
        disable_person(person_id)
    else:
        notices.send(
            party=person_id, kind="identity.proofing-fell", reference=f"{person_id}/{now():%Y%m%d}", arguments={},
            link="/account/proofing",
        )  # fmt: skip


def events(person_id: str) -> Sequence[ProofingEvent]:
    """Return how a person was proven, newest first."""
    return (
        session()
        .scalars(select(ProofingEvent).where(ProofingEvent.person_id == person_id).order_by(ProofingEvent.at.desc()))
        .all()
    )


def has_network_identity(person_id: str) -> bool:
    """Tell whether a person uses the national network identity here."""
    found = session().scalar(
        select(NetworkIdentity.id).where(NetworkIdentity.person_id == person_id, NetworkIdentity.ended_at.is_(None))
    )
    return found is not None


def asked(register: str, question: Callable[[], T]) -> T:
    """Return an outside party's answer, holding no connection meanwhile; raises `RegisterUnavailable`."""
    try:
        with outside_wait():
            return question()
    except RegisterDown:
        raise RegisterUnavailable(register=register, headers={"Retry-After": "30"}) from None


def raised(person_id: str, way: Way, holder: Holder, *, evidence: dict[str, str] | None = None) -> int:
    """Enter that a person was proven; the number is theirs alone from level 3.

    Who proves a number better than whoever held it takes it over: that one
    falls to self-stated. Raises `ProvenElsewhere`.
    """
    person = _held(person_id)
    if person.state != "active" or holder_of(person) != holder:
        raise NotFound  # stated anew while the register was asked: the answer is about something else
    index = people.number_index(holder.number)
    _take_over(person, index, way)
    try:
        with session().begin_nested():
            person.resident_id_index, person.checked_at = index, now()
            person.proofing_level = max(person.proofing_level, way.level)
            session().flush()
    except IntegrityError:
        raise ProvenElsewhere from None
    _event(person, way, outcome="raised", level=way.level, evidence=evidence)
    audit.record("identity.proofing-raised", subject=person_id, details={"level": way.level, "method": way.method})
    return person.proofing_level


def holder_of(person: Person) -> Holder:
    """Return a person's name and number, opened to be shown to a register."""
    return Holder(people.name_of(person), people.number_of(person).reveal())


def _take_over(person: Person, index: bytes, way: Way) -> None:
    held = session().scalars(select(Person).where(Person.resident_id_index == index, Person.id != person.id)).first()
    if held is None:
        return
    # A stopped person must not come back by registering again.
    if held.state != "active" or held.proofing_level >= way.level:
        raise ProvenElsewhere
    fall(held.id, because="taken_over")


def _stated(person_id: str, *, above: int | None = None) -> Holder:
    person = people.active(person_id)
    if person is None:
        raise NotFound
    if above is not None and person.proofing_level >= above:
        raise AlreadyProven
    return holder_of(person)


def _accepted(person_id: str, verdict: Verdict, way: Way) -> None:
    if verdict is not Verdict.MATCHED:
        _refused(person_id, way)
        raise NotMatched


def _refused(person_id: str, way: Way) -> None:
    # The refusal undoes the request's work; that it was tried must stay.
    with unit_of_work():
        person = _held(person_id)
        _event(person, way, outcome="refused", level=person.proofing_level)
        audit.record("identity.proofing-refused", subject=person_id, outcome="refused", details={"method": way.method})


def _held(person_id: str) -> Person:
    found = session().get(Person, person_id, populate_existing=True, with_for_update=True)
    if found is None:
        raise NotFound
    return found


def _event(person: Person, way: Way, *, outcome: str, level: int, evidence: dict[str, str] | None = None) -> None:
    add(
        ProofingEvent(
            person_id=person.id, source=way.source, method=way.method, outcome=outcome, level=level,
            evidence=evidence or {},
        )
    )  # fmt: skip


def _bind(person_id: str, identifier: str) -> None:
    index = crypto.blind_index(identifier, purpose="network-identity")
    held = (
        session()
        .scalars(
            select(NetworkIdentity).where(NetworkIdentity.person_id == person_id, NetworkIdentity.ended_at.is_(None))
        )
        .first()
    )
    if held is not None and held.identifier_index == index:
        return
    if held is not None:
        raise Conflict
    row_id = new_id("netid")
    sealed = crypto.seal(identifier.encode(), purpose="network-identity", place=f"network_identity/{row_id}/identifier")
    try:
        with session().begin_nested():
            add(NetworkIdentity(id=row_id, person_id=person_id, identifier_index=index, identifier_sealed=sealed))
    except IntegrityError:
        raise ProvenElsewhere from None
    audit.record("identity.network-identity-bound", subject=person_id)


def _supervised(person_id: str) -> None:
    person = people.active(person_id)
    if person is None:
        raise NotFound
    if people.stage_of(person) is not Stage.ADULT and not _guardians(person_id):
        raise GuardianMustAct


def _guardians(person_id: str) -> list[str]:
    found = relationships.of_party(person_id, "guardian")
    return [row.actor_id for row in found if row.actor_id is not None and relationships.state_of(row) == "active"]


def _tell_guardians(person_id: str) -> None:
    for guardian in _guardians(person_id):
        notices.send(
            party=guardian, kind="identity.ward-used-network-identity", reference=f"{person_id}/{now():%Y%m%d%H%M}",
            arguments={}, link="/account/family",
        )  # fmt: skip
