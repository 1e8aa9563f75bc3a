"""Consent to the use of the face, enrolment, withdrawal with proven erasure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import delete, select, update

from app import audit, crypto
from app.db import add, now, session
from app.errors import NotFound
from app.ids import new_id
from app.people import people
from identity.face import vault, weights
from identity.face.engine import engine
from identity.face.errors import ConsentGiven, ConsentMissing, GuardianNeeded, PhotographUnfit, ProofingTooLow
from identity.face.gallery import PURPOSE
from identity.face.models import FaceConsent, FaceKey, FaceTemplate
from identity.face.quality import ENROL
from identity.face.sight import Unfit
from identity.face.vault import Label
from identity.face.vector import ONE_TO_ONE, Vector, average
from identity.parties.models import Person

NOTICE_VERSION = "2026-01"
MIN_PROOFING = 2
GUARDED_UNTIL_AGE = 14


def consent(person: str, *, version: str = NOTICE_VERSION) -> FaceConsent:
    """Record a citizen's separate consent to be recognised at terminals.

    Raises `NotFound`, `GuardianNeeded` under 14, `ConsentGiven` when one is alive.
    """
    _held(person)
    profile = people.only().profile(person)
    if profile is not None and _age(profile.birth_date) < GUARDED_UNTIL_AGE:
        raise GuardianNeeded()
    if _alive(person) is not None:
        raise ConsentGiven()
    given = add(FaceConsent(person_id=person, purpose=PURPOSE, version=version))
    audit.record("identity.face-consent-given", subject=person, object=given.id, purpose=PURPOSE)
    return given


def withdraw(consent_id: str, *, person: str) -> None:
    """Withdraw a consent at once: its template is erased and its key shredded. Raises `NotFound`."""
    _held(person)
    withdrawn = session().scalar(
        update(FaceConsent)
        .where(FaceConsent.id == consent_id, FaceConsent.person_id == person, FaceConsent.withdrawn_at.is_(None))
        .values(withdrawn_at=now())
        .returning(FaceConsent.id)
    )
    if withdrawn is None:
        raise NotFound()
    audit.record("identity.face-consent-withdrawn", subject=person, object=consent_id, purpose=PURPOSE)
    erase(person)


def enrol(person: str, photographs: Sequence[bytes], consent_id: str) -> FaceTemplate:
    """Replace a citizen's template by one made from 1 to 3 photographs, which are not kept.

    Raises `NotFound`, `ConsentMissing`, `ProofingTooLow`, `PhotographUnfit`.
    """
    holder = _held(person)
    alive = _alive(person)
    if alive is None or alive.id != consent_id:
        raise ConsentMissing()
    if holder.proofing_level < MIN_PROOFING:
        raise ProofingTooLow(proofing_level=MIN_PROOFING)
    vector = vault.rotated(_seen(photographs))
    version = erase(person) + 1
    template = add(_sealed(person, vector, version=version, consent_id=consent_id, photographs=len(photographs)))
    audit.record(
        "identity.face-enrolled", subject=person, object=template.id, purpose=PURPOSE,
        details={"model": template.model, "version": version, "photographs": len(photographs)},
    )  # fmt: skip
    return template


def erase(person: str) -> int:
    """Delete a citizen's template and shred its key; returns the erased version, 0 for none.

    The audit line names the key and the hash of the sealed bytes: what a
    backup still holds can be shown to be the erased template, and not opened.
    """
    erased = (
        session()
        .execute(
            delete(FaceTemplate)
            .where(FaceTemplate.person_id == person)
            .returning(FaceTemplate.id, FaceTemplate.version, FaceTemplate.key_id, FaceTemplate.sealed)
        )
        .first()
    )
    session().execute(
        update(FaceKey)
        .where(FaceKey.person_id == person, FaceKey.wrapped.is_not(None))
        .values(wrapped=None, shredded_at=now())
    )
    if erased is None:
        return 0
    audit.record(
        "identity.face-erased", subject=person, object=erased.id, purpose=PURPOSE,
        details={"key": erased.key_id, "sealed_sha256": vault.fingerprint(erased.sealed)},
    )  # fmt: skip
    version: int = erased.version
    return version


def _held(person: str) -> Person:
    """Hold the person's row, so that consent, enrolment and erasure follow one another."""
    holder = (
        session().scalars(select(Person).where(Person.id == person, Person.state == "active").with_for_update()).first()
    )
    if holder is None:
        raise NotFound()
    return holder


def _alive(person: str) -> FaceConsent | None:
    return (
        session()
        .scalars(
            select(FaceConsent).where(
                FaceConsent.person_id == person, FaceConsent.purpose == PURPOSE, FaceConsent.withdrawn_at.is_(None)
            )
        )
        .first()
    )


def _seen(photographs: Sequence[bytes]) -> Vector:
    vectors: list[Vector] = []
    reasons: list[list[str]] = []
    for photograph in photographs:
        try:
            vectors.append(engine().read(photograph, gate=ENROL))
            reasons.append([])
        except Unfit as refusal:
            reasons.append(list(refusal.codes))
    if any(reasons) or not vectors:
        raise PhotographUnfit(reasons=reasons)
    if any(float(vectors[0] @ other) < ONE_TO_ONE for other in vectors[1:]):
        raise PhotographUnfit(reasons=[["frames_differ"]])
    return average(vectors)


def _sealed(person: str, vector: Vector, *, version: int, consent_id: str, photographs: int) -> FaceTemplate:
    key = crypto.new_data_key()
    key_id = new_id("facekey")
    add(FaceKey(id=key_id, person_id=person, wrapped=crypto.wrap_key(key, place=vault.key_place(key_id, person))))
    label = Label(person=person, version=version, model=weights.MODEL_ID, rotation=vault.ROTATION, key=key_id)
    return FaceTemplate(
        person_id=person, consent_id=consent_id, version=version, model=label.model, rotation=label.rotation,
        key_id=key_id, sealed=vault.seal(vector, key=key, label=label), photographs=photographs,
    )  # fmt: skip


def _age(born: date) -> int:
    today = now().date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
