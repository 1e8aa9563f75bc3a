"""Consent to the use of the face, enrolment, withdrawal with proven erasure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import delete, or_, select, update

from app import audit, crypto
from app.db import add, now, session
from app.errors import NotFound
from app.ids import new_id
from app.people import people
from app.principal import principal
from identity.face import basis, calibration, vault, weights
from identity.face.dedup.models import FaceDedupFinding
from identity.face.engine import engine
from identity.face.errors import (
    ConsentGiven,
    ConsentMissing,
    FaceBusy,
    FaceOff,
    GuardianNeeded,
    PhotographUnfit,
    ProofingTooLow,
)
from identity.face.gallery import PURPOSE
from identity.face.guardians import guardians
from identity.face.lane import Crowded, lane
from identity.face.models import FaceConsent, FaceKey, FaceTemplate
from identity.face.notice import CURRENT, notice
from identity.face.quality import ENROL
from identity.face.sight import Unfit
from identity.face.vault import Label
from identity.face.vector import Bars, Vector, average
from identity.parties.models import Person

NOTICE_VERSION = CURRENT
# The shortest retention that saves people a yearly way: two years, then the template goes by itself.
KEPT = timedelta(days=730)
MIN_PROOFING = 2
GUARDED_UNTIL_AGE = 14


def consent(person: str, *, version: str = NOTICE_VERSION, purpose: str = PURPOSE) -> FaceConsent:
    """Record a citizen's separate consent to one purpose, or a guardian's for a child.

    Raises `NotFound`, `GuardianNeeded` under 14, `ConsentGiven` when one is alive.
    """
    _held(person)
    profile = people.only().profile(person)
    under_age = profile is not None and _age(profile.birth_date) < GUARDED_UNTIL_AGE
    if under_age and not guardians.only().consents_for(principal(), person):
        raise GuardianNeeded()
    before = _alive(person, purpose)
    if before is not None and before.expires_at > now():
        raise ConsentGiven()
    if before is not None:
        end(before.id, person=person)
    agreed = notice(purpose, version)
    given = add(
        FaceConsent(
            person_id=person, purpose=purpose, version=version, notice_sha256=agreed.digest,
            given_by=principal().actor, expires_at=now() + KEPT,
        )
    )  # fmt: skip
    audit.record("identity.face-consent-given", subject=person, object=given.id, purpose=purpose)
    return given


def consents_of(person: str) -> Sequence[FaceConsent]:
    """Return all consents a citizen ever gave, newest first."""
    return session().scalars(
        select(FaceConsent).where(FaceConsent.person_id == person).order_by(FaceConsent.given_at.desc())
    ).all()  # fmt: skip


def withdraw(consent_id: str, *, person: str) -> None:
    """Withdraw a consent at once: its template is erased and its key shredded. Raises `NotFound`."""
    _held(person)
    purpose = session().scalar(
        update(FaceConsent)
        .where(FaceConsent.id == consent_id, FaceConsent.person_id == person, FaceConsent.withdrawn_at.is_(None))
        .values(withdrawn_at=now())
        .returning(FaceConsent.purpose)
    )
    if purpose is None:
        raise NotFound()
    audit.record("identity.face-consent-withdrawn", subject=person, object=consent_id, purpose=purpose)
    if purpose == PURPOSE:
        erase(person)


def end(consent_id: str, *, person: str) -> None:
    """End a consent whose time is over, or whose owner's record was stopped, as a withdrawal would."""
    purpose = session().scalar(
        update(FaceConsent)
        .where(FaceConsent.id == consent_id, FaceConsent.withdrawn_at.is_(None))
        .values(withdrawn_at=now())
        .returning(FaceConsent.purpose)
    )
    audit.record("identity.face-consent-ended", subject=person, object=consent_id, purpose=purpose)
    if purpose == PURPOSE:
        erase(person)


def enrol(person: str, photographs: Sequence[bytes], consent_id: str) -> FaceTemplate:
    """Replace a citizen's template by one made from 1 to 3 photographs, which are not kept.

    Raises `NotFound`, `ConsentMissing`, `ProofingTooLow`, `PhotographUnfit`,
    `FaceOff` while the city has no calibration of its own.
    """
    holder = _held(person)
    alive = _alive(person)
    if alive is None or alive.id != consent_id or alive.expires_at <= now():
        raise ConsentMissing()
    if holder.proofing_level < MIN_PROOFING:
        raise ProofingTooLow(proofing_level=MIN_PROOFING)
    seen = _seen(photographs)
    version = erase(person) + 1
    template = add(_sealed(person, seen, version=version, consent_id=consent_id, photographs=len(photographs)))
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
    session().execute(
        delete(FaceDedupFinding).where(or_(FaceDedupFinding.first == person, FaceDedupFinding.second == person))
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


def _alive(person: str, purpose: str = PURPOSE) -> FaceConsent | None:
    return (
        session()
        .scalars(
            select(FaceConsent).where(
                FaceConsent.person_id == person, FaceConsent.purpose == purpose, FaceConsent.withdrawn_at.is_(None)
            )
        )
        .first()
    )


def _seen(photographs: Sequence[bytes]) -> Vector:
    bars = _bars()
    try:
        return lane().run(lambda: _one_face(photographs, bars.one_to_one))
    except Crowded:
        raise FaceBusy(headers={"Retry-After": "2"}) from None


def _one_face(photographs: Sequence[bytes], alike: float) -> Vector:
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
    if any(float(vectors[0] @ other) < alike for other in vectors[1:]):
        raise PhotographUnfit(reasons=[["frames_differ"]])
    return average(vectors)


def _bars() -> Bars:
    try:
        return calibration.in_force()
    except calibration.NotCalibrated:
        raise FaceOff() from None


def _sealed(person: str, seen: Vector, *, version: int, consent_id: str, photographs: int) -> FaceTemplate:
    key = crypto.new_data_key()
    key_id = new_id("facekey")
    add(FaceKey(id=key_id, person_id=person, wrapped=crypto.wrap_key(key, place=vault.key_place(key_id, person))))
    label = Label(person=person, version=version, model=weights.MODEL_ID, rotation=basis.current(), key=key_id)
    return FaceTemplate(
        person_id=person, consent_id=consent_id, version=version, model=label.model, rotation=label.rotation,
        key_id=key_id, sealed=vault.seal(vault.rotated(seen, label.rotation), key=key, label=label),
        photographs=photographs,
    )  # fmt: skip


def _age(born: date) -> int:
    today = now().date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
