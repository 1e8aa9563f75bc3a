"""Ask the registers again about those whose proofing has grown old."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.db import now, session
from app.jobs import Job, Schedule
from app.outbox import enqueue
from identity.parties.acting_models import Relationship
from identity.parties.models import Person
from identity.parties.people import PROVEN
from identity.proofing import claims, service

HOLDS = timedelta(days=180)
_AT_ONCE = 200


def recheck_due() -> None:
    """Queue one question for each person not asked about for half a year, the longest waiting first."""
    due = select(Person.id).where(
        Person.state == "active", Person.proofing_level >= PROVEN, Person.checked_at < now() - HOLDS
    )
    for person_id in session().scalars(due.order_by(Person.checked_at).limit(_AT_ONCE)):
        enqueue("identity.recheck_person", person_id=person_id)


def recheck_person(person_id: str) -> None:
    """Ask about one person and about those under that person's guardianship."""
    service.recheck(person_id)
    wards = select(Relationship.id).where(
        Relationship.kind == "guardian", Relationship.actor_id == person_id, Relationship.state == "active"
    )
    for relationship_id in session().scalars(wards).all():
        claims.recheck_guardianship(relationship_id)


JOBS = (
    Job(name="identity.recheck_due", run=recheck_due),
    Job(name="identity.recheck_person", run=recheck_person),
)
SCHEDULE = (Schedule(job="identity.recheck_due", every_seconds=3600),)
