"""What identity itself needs to know of a person: opened only as far as asked."""

from __future__ import annotations

from datetime import date
from typing import cast

from flask import current_app

from app import crypto
from app.config import Settings
from app.db import session
from app.identifiers import ResidentId
from identity.parties.ages import Stage, stage
from identity.parties.errors import AdultsOnly, ProvenPersonsOnly
from identity.parties.models import Organisation, Person

PURPOSE = "person"
PROVEN = 3


def sealed(person_id: str, column: str, value: str) -> bytes:
    """Return a person's datum, sealed for its column."""
    return crypto.seal(value.encode(), purpose=PURPOSE, place=f"person/{person_id}/{column}")


def opened(person_id: str, column: str, value: bytes) -> str:
    """Return what was sealed for a column; raises `CannotOpen`."""
    return crypto.open_sealed(value, purpose=PURPOSE, place=f"person/{person_id}/{column}").decode()


def number_of(person: Person) -> ResidentId:
    """Return a person's resident number, opened."""
    return resident(opened(person.id, "resident_id", person.resident_id_sealed))


def name_of(person: Person) -> str:
    """Return a person's name, opened."""
    return opened(person.id, "name", person.name_sealed)


def masked_name(person: Person) -> str:
    """Return a person's name with all but its first sign starred."""
    return masked(name_of(person))


def masked(name: str) -> str:
    """Return a name with all but its first sign starred."""
    return name[:1] + "*" * max(1, len(name) - 1)


def resident(text: str) -> ResidentId:
    """Return a checked resident number, the demo world's only in the demo; raises `BadIdentifier`."""
    return ResidentId.parse(text, demo=cast(Settings, current_app.config["SETTINGS"]).demo)


def number_index(number: str) -> bytes:
    """Return the blind index by which a proven number finds its one person."""
    return crypto.blind_index(number, purpose="resident-id")


def addressee(name: str, number: str) -> bytes:
    """Return the blind index of somebody named by name and number, known here or not."""
    return crypto.blind_index(f"{number}\0{name}", purpose="addressee")


def addressee_of(person: Person) -> bytes:
    """Return the index under which offers for this person lie."""
    return addressee(name_of(person), number_of(person).reveal())


def birth_date(person: Person) -> date:
    """Return a person's date of birth."""
    return number_of(person).birth_date


def stage_of(person: Person) -> Stage:
    """Return a person's stage today."""
    return stage(birth_date(person))


def active(person_id: str | None) -> Person | None:
    """Return an active person, else None."""
    found = session().get(Person, person_id) if person_id else None
    return found if found is not None and found.state == "active" else None


def active_organisation(organisation_id: str) -> Organisation | None:
    """Return an active organisation, else None."""
    found = session().get(Organisation, organisation_id)
    return found if found is not None and found.state == "active" else None


def proven_adult(person_id: str) -> Person:
    """Return the person; raises `ProvenPersonsOnly` below level 3, `AdultsOnly` below 18."""
    person = active(person_id)
    if person is None or person.proofing_level < PROVEN:
        raise ProvenPersonsOnly
    if stage_of(person) is not Stage.ADULT:
        raise AdultsOnly
    return person
