"""Templates open only in their own row, under their own key, for their own model; erasure leaves proof."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import select, update

from app import audit
from app.crypto import CannotOpen
from app.db import session
from identity.face import gallery, service, vault
from identity.face.errors import ConsentGiven, ConsentMissing, PhotographUnfit, ProofingTooLow
from identity.face.models import FaceKey, FaceTemplate
from identity.face.vector import rotation
from tests.api.presence.builders import RESIDENT_ID, citizen, enrolled
from tests.unit.face.portraits import derived, portrait

OTHER_ID = "329999197603090080"


@pytest.fixture
def lin(work):
    return enrolled()


def test_a_template_opens_in_its_own_row(lin) -> None:
    [row] = gallery.by_resident_id(RESIDENT_ID)

    assert float(np.linalg.norm(gallery.open_row(row))) == pytest.approx(1, abs=1e-3)


def test_stored_bytes_are_neither_the_vector_nor_its_rotation(lin) -> None:
    from app.crypto import derive
    from identity.face.engine import engine
    from identity.face.quality import ENROL

    template = session().scalars(select(FaceTemplate)).one()
    plain = engine().read(portrait("person_b_1"), gate=ENROL)
    [row] = gallery.by_resident_id(RESIDENT_ID)

    opened = gallery.open_row(row)

    assert plain.astype("<f2").tobytes() not in template.sealed
    assert opened.astype("<f2").tobytes() not in template.sealed
    assert abs(float(plain @ opened)) < 0.5
    back = rotation(derive(f"face/rotation/{vault.ROTATION}")).T @ opened
    assert float(back @ plain) > 0.999


def test_swapped_rows_fail_to_open_and_match_nobody(lin) -> None:
    enrolled("person_a_2", resident_id=OTHER_ID)
    first, second = session().scalars(select(FaceTemplate).order_by(FaceTemplate.id)).all()
    first.sealed, second.sealed = second.sealed, first.sealed
    session().flush()

    rows = gallery.by_phone_tail("6688", "321302")

    assert len(rows) == 2
    for row in rows:
        with pytest.raises(CannotOpen):
            gallery.open_row(row)
    assert not gallery.opened(rows, gallery.SHORTLIST)[1].any()


@pytest.mark.parametrize("column", ["version", "model", "rotation"])
def test_a_changed_label_fails_to_open(lin, column: str) -> None:
    session().execute(update(FaceTemplate).values({column: 9 if column == "version" else "other"}))
    session().expire_all()

    [row] = gallery.by_resident_id(RESIDENT_ID)

    with pytest.raises(CannotOpen):
        gallery.open_row(row)


def test_withdrawal_erases_shreds_and_leaves_proof(lin) -> None:
    sealed = session().scalars(select(FaceTemplate.sealed)).one()
    consent = service._alive(lin.id)

    service.withdraw(consent.id, person=lin.id)
    session().flush()

    key = session().scalars(select(FaceKey).execution_options(populate_existing=True)).one()
    assert session().scalars(select(FaceTemplate)).all() == []
    assert key.wrapped is None
    assert key.shredded_at is not None
    assert gallery.by_resident_id(RESIDENT_ID) == []
    assert vault.fingerprint(sealed) in _audit_details()


def _audit_details() -> str:
    from app.db import work

    work().commit()
    return "".join(leaf.body.decode() for leaf in session().scalars(select(audit.AuditLeaf)))


def test_enrolling_again_replaces_the_template_and_shreds_its_key(lin) -> None:
    consent = service._alive(lin.id)

    again = service.enrol(lin.id, [portrait("person_b_2"), derived("person_b_2")], consent.id)

    assert (again.version, again.photographs) == (2, 2)
    keys = session().scalars(select(FaceKey).execution_options(populate_existing=True)).all()
    assert sorted(key.wrapped is None for key in keys) == [False, True]


def test_enrolment_needs_a_living_consent_of_its_own_person(lin) -> None:
    other = citizen(resident_id=OTHER_ID)

    for consent in ("consent_unknown", service._alive(lin.id).id):
        with pytest.raises(ConsentMissing):
            service.enrol(other.id, [portrait("person_b_1")], consent)


def test_a_second_consent_is_refused_while_one_is_alive(lin) -> None:
    with pytest.raises(ConsentGiven):
        service.consent(lin.id)


def test_enrolment_needs_a_proven_person(work) -> None:
    person = citizen(level=1)

    with pytest.raises(ProofingTooLow):
        service.enrol(person.id, [portrait("person_b_1")], service.consent(person.id).id)


def test_unfit_photographs_are_named_one_by_one(lin) -> None:
    with pytest.raises(PhotographUnfit) as refusal:
        service.enrol(lin.id, [portrait("person_b_1"), portrait("person_a_1")], service._alive(lin.id).id)

    assert refusal.value.members["reasons"] == [[], ["too_far_away"]]


def test_photographs_of_two_people_are_not_enrolled_as_one(lin) -> None:
    with pytest.raises(PhotographUnfit):
        service.enrol(lin.id, [portrait("person_b_1"), portrait("impostor_1")], service._alive(lin.id).id)
