"""The demo world's families, mandates and organisations, entered through the same services as real ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.db import now, session
from app.guards import Kind, Principal, acting_as
from demo import families, world
from identity.accounts.service import open_account
from identity.authenticators import password
from identity.parties import details, mandates, relationships
from identity.parties.models import Organisation, Person
from identity.parties.service import register_person

_REGISTER = {"source": "demo"}


def seed() -> None:
    """Enter everybody of `demo/families.yaml`."""
    found = families.load()
    for ward in found.wards:
        _ward(ward)
    for each in found.guardianships:
        _guardianship(each)
    for mandate in found.mandates:
        _mandate(mandate)
    for organisation in found.organisations:
        _organisation(organisation)


def exported() -> list[dict[str, Any]]:
    """Return who may act for whom, by the keys of persons and organisations."""
    found = families.load()
    return [
        *(
            {"actor": e.guardian, "for": e.ward, "as": "guardian"}
            for e in found.guardianships
            if e.verdict == "matched"
        ),
        *({"actor": each.agent, "for": each.principal, "as": "mandate"} for each in found.mandates),
        *(
            {"actor": each.representative, "for": each.organisation, "as": "legal_representative"}
            for each in found.organisations
        ),
        *(
            {"actor": agent.agent, "for": each.organisation, "as": "agent"}
            for each in found.organisations
            for agent in each.agents
        ),
    ]


def persons() -> list[dict[str, Any]]:
    """Return the wards who log in themselves, as the export tells test persons."""
    return [
        {"key": each.key, "login_name": each.key, "password": each.password, "face": None, "mobile": each.mobile}
        for each in families.load().wards
        if each.password is not None
    ]


def _ward(ward: families.Ward) -> None:
    person = register_person(
        name=ward.name, resident_id=ward.resident_id, mobile=ward.mobile, area=ward.area, source="demo",
        method="guardianship", level=3, demo_key=ward.key,
    )  # fmt: skip
    if ward.password is not None:
        account = open_account(login_name=ward.key, person_id=person.id)
        # Public as all demo passwords: it need not be strong.
        password.set_hash(account, password.hashed(ward.password))


def _guardianship(each: families.Guardianship) -> None:
    entered = relationships.enter(
        "guardian", actor=_person(each.guardian), party=_person(each.ward), evidence=_REGISTER
    )
    if each.verdict == "disputed":
        relationships.suspend(entered.id)


def _mandate(each: families.DemoMandate) -> None:
    agent = world.load().citizen(each.agent)
    principal = _person(each.principal)
    with _citizen(principal):
        given = mandates.give(
            principal, name=agent.name, resident_id=agent.resident_id, purpose=each.purpose,
            authorization_details=details.details_of(each.access), expires_at=now() + timedelta(days=365),
        )  # fmt: skip
    with _citizen(_person(each.agent)):
        mandates.accept(given.id, agent=_person(each.agent))


def _organisation(each: families.Represented) -> None:
    organisation = session().scalars(select(Organisation.id).where(Organisation.demo_key == each.organisation)).one()
    representative = _person(each.representative)
    relationships.enter("legal_representative", actor=representative, party=organisation, evidence=_REGISTER)
    for agent in each.agents:
        citizen = world.load().citizen(agent.agent)
        with _citizen(representative):
            offered = relationships.appoint(
                representative, organisation, name=citizen.name, resident_id=citizen.resident_id, role=agent.role,
                access=details.details_of(agent.access), expires_at=now() + timedelta(days=365),
            )  # fmt: skip
        with _citizen(_person(agent.agent)):
            relationships.accept(offered.id, agent=_person(agent.agent))


def _person(key: str) -> str:
    return session().scalars(select(Person.id).where(Person.demo_key == key)).one()


def _citizen(person: str) -> acting_as:
    return acting_as(Principal(kind=Kind.CITIZEN, actor=person, party=person))
