"""Cards of the demo world: every citizen has one, all with the same public PIN."""

from __future__ import annotations

from sqlalchemy import select

from app.db import session
from demo import world
from identity.cards import service
from identity.parties.models import Person

PIN = "273916"


def number_of(key: str) -> str:
    """Return the number of a demo citizen's card."""
    keys = [citizen.key for citizen in world.load().citizens]
    return f"DEMO{keys.index(key) + 1:010d}"


def seed() -> None:
    """Give each demo citizen a card; one hash serves the one PIN."""
    pin = service.hashed(PIN)
    persons = {row.demo_key: row.id for row in session().execute(select(Person.demo_key, Person.id))}
    for citizen in world.load().citizens:
        service.issue_to(persons[citizen.key], number=number_of(citizen.key)).pin = pin
