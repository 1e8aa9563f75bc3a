"""Grounds that a register confirms: a guardian's ward, a legal representative's organisation."""

from __future__ import annotations

from sqlalchemy import select

from app.db import session
from app.errors import NotFound
from app.identifiers import CreditCode
from identity.parties import people, relationships
from identity.parties.acting_models import Relationship
from identity.parties.ages import Stage, stage
from identity.parties.errors import NotGuardian, NotLegalRepresentative, OneselfOnly
from identity.parties.models import Organisation, Person
from identity.parties.service import register_organisation, register_person
from identity.proofing import levels, service
from identity.proofing.terms import Holder, Verdict, legal_person_register, population_register


def add_ward(guardian: str, *, name: str, resident_id: str) -> Relationship:
    """Enter a guardian for a child that the population register names as theirs.

    A child unknown here gets a record, no account. Raises `NotGuardian`
    alike for every reason, `OneselfOnly`, `BadIdentifier`, `AlreadyGiven`,
    `ProvenPersonsOnly`, `AdultsOnly`, `RegisterUnavailable`.
    """
    person = people.proven_adult(guardian)
    number = people.resident(resident_id)
    if person.resident_id_index == people.number_index(number.reveal()):
        raise OneselfOnly
    if stage(number.birth_date) is Stage.ADULT:
        raise NotGuardian
    own, ward = service.holder_of(person), Holder(name.strip(), number.reveal())
    verdict = service.asked("population", lambda: population_register.only().guardianship(own, ward))
    if verdict is not Verdict.MATCHED:
        raise NotGuardian
    guardian_now = people.proven_adult(guardian)
    child = _child(ward, guardian_now)
    return relationships.enter(
        "guardian", actor=guardian, party=child.id, evidence={"source": "population", "method": "guardianship"}
    )


def recheck_guardianship(relationship_id: str) -> Verdict:
    """Ask again about a guardianship; it is suspended while disputed and ends when the register names it no more.

    Raises `NotFound`, `RegisterUnavailable`.
    """
    row = session().get(Relationship, relationship_id)
    if row is None or row.kind != "guardian" or row.actor_id is None:
        raise NotFound
    guardian, ward = people.active(row.actor_id), people.active(row.party_id)
    if guardian is None or ward is None:
        raise NotFound
    both = service.holder_of(guardian), service.holder_of(ward)
    verdict = service.asked("population", lambda: population_register.only().guardianship(*both))
    if verdict is Verdict.DISPUTED:
        relationships.suspend(relationship_id)
    elif verdict is not Verdict.MATCHED:
        relationships.end(relationship_id, because="register")
    return verdict


def claim_organisation(person_id: str, *, credit_code: str) -> Relationship:
    """Enter a person as the legal representative whom the legal-person register names.

    Whoever was it before here ends at once, with all agents appointed. Raises
    `NotLegalRepresentative` alike for every reason, `BadIdentifier`,
    `AlreadyGiven`, `ProvenPersonsOnly`, `AdultsOnly`, `RegisterUnavailable`.
    """
    holder = service.holder_of(people.proven_adult(person_id))
    code = CreditCode.parse(credit_code).reveal()
    said = service.asked("legal_register", lambda: legal_person_register.only().representative(code, holder))
    if said.verdict is not Verdict.MATCHED:
        raise NotLegalRepresentative
    organisation = _organisation(code, name=said.name, area=said.area)
    for row in relationships.of_party(organisation.id, "legal_representative"):
        if row.state != "ended" and row.actor_id != person_id:
            relationships.end(row.id, because="register")
    return relationships.enter(
        "legal_representative", actor=person_id, party=organisation.id, evidence={"source": "legal-register"}
    )


def _child(ward: Holder, guardian: Person) -> Person:
    index = people.number_index(ward.number)
    found = session().scalars(select(Person).where(Person.resident_id_index == index)).first()
    if found is not None:
        if found.state != "active" or people.name_of(found) != ward.name:
            raise NotGuardian
        return found
    return register_person(
        name=ward.name,
        resident_id=ward.number,
        # A child is reached by the guardian's number.
        mobile=people.opened(guardian.id, "mobile", guardian.mobile_sealed),
        area=guardian.area,
        source=levels.GUARDIAN.source,
        method=levels.GUARDIAN.method,
        level=levels.GUARDIAN.level,
        demo_key=None,
    )


def _organisation(code: str, *, name: str, area: str) -> Organisation:
    found = session().scalars(select(Organisation).where(Organisation.credit_code == code)).first()
    if found is None:
        return register_organisation(name=name, credit_code=code, area=area)
    if found.state != "active":
        raise NotLegalRepresentative
    return found
