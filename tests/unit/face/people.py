"""Invented citizens with random embeddings, for tests that need many."""

from __future__ import annotations

import numpy as np

from app.db import session
from identity.face import service
from identity.face.vector import Vector, unit
from identity.parties.models import Person
from tests.api.presence.builders import citizen


def vector_of(number: int) -> Vector:
    """Return a random embedding, always the same for a number."""
    return unit(np.random.default_rng(number).normal(size=128))


def register(number: int) -> Person:
    """Register an invented citizen with a resident number of their own."""
    stem = f"32999919780517{number:03d}"
    check = "10X98765432"[sum(int(digit) * 2 ** (17 - at) for at, digit in enumerate(stem)) % 11]
    return citizen(resident_id=stem + check)


def enrol_as(person: Person, seen: Vector) -> str:
    """Enrol a citizen by an embedding, without a photograph; returns the person's id."""
    consent = service.consent(person.id)
    session().add(service._sealed(person.id, seen, version=1, consent_id=consent.id, photographs=1))
    session().flush()
    return person.id


def enrol_many(count: int) -> dict[str, Vector]:
    """Enrol so many citizens; returns their embeddings by id."""
    return {enrol_as(register(number), vector_of(number)): vector_of(number) for number in range(count)}
