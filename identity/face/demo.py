"""Faces of the demo world: credited portraits carried by invented citizens."""

from __future__ import annotations

from sqlalchemy import select

from app.db import session
from demo import world
from identity.face import service
from identity.face.models import FaceTemplate
from identity.parties.models import Person

# Probes: person_b shows another portrait (person_b_2). Of person_a only this one passes the
# gate, so any probe of person_a is derived from the enrolled portrait and must be called so.
PORTRAITS = {"person_a": "person_a_2.jpg", "person_b": "person_b_1.jpg"}


def seed() -> None:
    """Enrol the demo citizens that have a portrait; does nothing for those who are enrolled."""
    carriers = {citizen.key: PORTRAITS[citizen.face] for citizen in world.load().citizens if citizen.face is not None}
    persons = session().execute(
        select(Person.demo_key, Person.id)
        .outerjoin(FaceTemplate, FaceTemplate.person_id == Person.id)
        .where(Person.demo_key.in_(carriers), FaceTemplate.id.is_(None))
    )
    for key, person in persons.all():
        portrait = world.FOLDER / "faces" / carriers[key or ""]
        service.enrol(person, [portrait.read_bytes()], service.consent(person).id)
