"""Open the sealed templates of a few candidates into one array of constant shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from app import crypto
from app.db import now, session
from identity.face import vault, weights
from identity.face.models import FaceConsent, FaceKey, FaceTemplate
from identity.face.notice import PRESENCE
from identity.face.vault import Label
from identity.face.vector import WIDTH, Vector, unit
from identity.parties.models import Person

SHORTLIST = 200
PURPOSE = PRESENCE


@dataclass(frozen=True, slots=True)
class Row:
    """One sealed template with its wrapped key."""

    person: str
    label: Label
    wrapped: bytes
    sealed: bytes
    photographs: int


def by_phone_tail(tail: str, region: str) -> list[Row]:
    """Return consenting citizens of a county with these last digits; one more than fit at most."""
    return _rows(Person.region == region, Person.mobile_tail == tail)


def by_resident_id(number: str) -> list[Row]:
    """Return the consenting citizen with this number, if any."""
    return _rows(Person.resident_id_index == crypto.blind_index(number.upper(), purpose="resident-id"))


def by_person(person: str) -> list[Row]:
    """Return a consenting citizen who is known already, as on the own phone."""
    return _rows(Person.id == person)


def _rows(*conditions: Any) -> list[Row]:
    # Columns, not models: a shortlist is read often and changed never.
    found = session().execute(
        select(
            FaceTemplate.person_id, FaceTemplate.version, FaceTemplate.model, FaceTemplate.rotation,
            FaceTemplate.key_id, FaceTemplate.sealed, FaceTemplate.photographs, FaceKey.wrapped,
        )
        .join(Person, Person.id == FaceTemplate.person_id)
        .join(FaceConsent, FaceConsent.id == FaceTemplate.consent_id)
        .join(FaceKey, FaceKey.id == FaceTemplate.key_id)
        .where(
            Person.state == "active", FaceConsent.withdrawn_at.is_(None), FaceConsent.purpose == PURPOSE,
            FaceConsent.expires_at > now(), FaceKey.wrapped.is_not(None), *conditions,
        )
        .limit(SHORTLIST + 1)
    )  # fmt: skip
    return [
        Row(person, Label(person=person, version=version, model=model, rotation=rotation, key=key), wrapped or b"",
            sealed, photographs)
        for person, version, model, rotation, key, sealed, photographs, wrapped in found
    ]  # fmt: skip


def holds_consent(person: str) -> bool:
    """Tell whether a recognised person consents at this moment, and let a withdrawal wait for the decision."""
    held = session().scalar(
        select(FaceConsent.id)
        .where(
            FaceConsent.person_id == person, FaceConsent.purpose == PURPOSE, FaceConsent.withdrawn_at.is_(None),
            FaceConsent.expires_at > now(),
        )
        .with_for_update(read=True)
    )  # fmt: skip
    return held is not None


def label_of(held: FaceTemplate) -> Label:
    """Return what a stored template is bound to."""
    return Label(person=held.person_id, version=held.version, model=held.model, rotation=held.rotation, key=held.key_id)


def opened(rows: list[Row], size: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return `size` vectors and which of them are real; the work is the same for any number of rows."""
    decoy = _decoy(crypto.derive("face/decoy"))
    vectors = np.zeros((size, WIDTH), np.float32)
    real = np.zeros(size, np.bool_)
    for place in range(size):
        row = rows[place] if place < len(rows) else decoy
        try:
            vectors[place] = open_row(row)
            real[place] = place < len(rows)
        except crypto.CannotOpen:
            # A template that does not open (moved, other model) is nobody's.
            real[place] = False
    return vectors, real


def open_row(row: Row) -> Vector:
    """Return a row's rotated vector; raises `CannotOpen`."""
    key = crypto.unwrap_key(row.wrapped, place=vault.key_place(row.label.key, row.person))
    return vault.open_sealed(row.sealed, key=key, label=row.label)


@lru_cache(maxsize=4)
def _decoy(secret: bytes) -> Row:
    # One sealed vector that is nobody's keeps the work equal when few citizens fit the claim.
    vector = unit(np.frombuffer((secret * 4)[:WIDTH], np.int8).astype(np.float32) + 0.5)
    label = Label(person="decoy", version=0, model=weights.MODEL_ID, rotation=vault.ROTATION, key="decoy")
    key = crypto.new_data_key()
    wrapped = crypto.wrap_key(key, place=vault.key_place(label.key, label.person))
    return Row("decoy", label, wrapped, vault.seal(vector, key=key, label=label), 1)
