"""Basis and keys change while terminals ask: nothing is unreadable between, a stopped run goes on, no old key stays."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from app import crypto
from app.db import session, unit_of_work
from app.presence.ports import Evidence
from app.principal import SYSTEM, acting_as
from identity.face import basis, gallery, rotate, service, vault
from identity.face.basis import FaceRotation
from identity.face.models import FaceKey, FaceTemplate
from identity.face.provider import BundledFace, _compare
from identity.face.vector import START, Vector
from tests.unit.face.people import enrol_many, register
from tests.unit.face.portraits import portrait

PEOPLE = 30


def found(seen: Vector) -> str | None:
    rows = gallery.by_phone_tail("6688", "321302")
    return _compare(seen, rows, gallery.SHORTLIST, averaged=False, bars=START)


@pytest.fixture
def people(work) -> dict[str, Vector]:
    held = enrol_many(PEOPLE)
    work.commit()
    return held


@pytest.mark.parametrize("change", [rotate.bases, rotate.keys])
def test_everybody_is_still_recognised_afterwards(people, change: Callable) -> None:
    before = dict(session().execute(select(FaceTemplate.person_id, FaceTemplate.sealed)).all())

    steps = list(change(batch=7))

    session().expire_all()
    after = dict(session().execute(select(FaceTemplate.person_id, FaceTemplate.sealed)).all())
    assert (steps[-1].done, steps[-1].left, len(steps)) == (PEOPLE, 0, 5)
    assert all(after[person] != before[person] for person in people)
    assert [found(seen) for seen in people.values()] == list(people)


def test_a_new_basis_hides_the_old_vector(people) -> None:
    person, seen = next(iter(people.items()))
    [old] = [gallery.open_row(row) for row in gallery.by_person(person)]

    list(rotate.bases())

    [row] = gallery.by_person(person)
    assert row.label.rotation == "r2"
    assert abs(float(gallery.open_row(row) @ old)) < 0.5
    assert float(gallery.open_row(row) @ vault.rotated(seen, "r2")) > 0.999


def test_no_old_key_survives_a_change_of_keys(people) -> None:
    old = set(session().scalars(select(FaceKey.id)))

    list(rotate.keys())

    session().expire_all()
    living = set(session().scalars(select(FaceKey.id).where(FaceKey.wrapped.is_not(None))))
    assert living.isdisjoint(old)
    assert len(living) == PEOPLE


@pytest.mark.parametrize("change", [rotate.bases, rotate.keys])
def test_a_stopped_run_goes_on_where_it_ended(people, change: Callable) -> None:
    stopped = change(batch=7)
    next(stopped)
    stopped.close()
    halfway = [found(seen) for seen in people.values()]

    rest = list(change(batch=7))

    assert halfway == list(people)
    assert rest[-1].done == PEOPLE - 7
    assert session().scalars(select(FaceRotation).where(FaceRotation.finished_at.is_(None))).all() == []


def test_enrolments_go_into_the_newest_basis(people, work) -> None:
    list(rotate.bases())

    person = register(900)
    enrolled = service.enrol(person.id, [portrait("person_b_1")], service.consent(person.id).id)

    assert (enrolled.rotation, basis.current()) == ("r2", "r2")


def test_templates_of_another_model_are_never_compared_and_can_be_retired(people) -> None:
    person, seen = next(iter(people.items()))
    session().execute(update(FaceTemplate).where(FaceTemplate.person_id == person).values(model="other:1"))
    session().expire_all()
    [row] = gallery.by_person(person)
    with pytest.raises(crypto.CannotOpen):
        gallery.open_row(row)
    assert found(seen) is None

    list(rotate.retire_models())

    assert gallery.by_person(person) == []
    assert len(session().scalars(select(FaceTemplate.id)).all()) == PEOPLE - 1


def test_under_load_nobody_is_ever_unreadable(clean_city) -> None:
    with clean_city.app_context(), acting_as(SYSTEM), unit_of_work():
        people = enrol_many(12)
    stop, missed, asked = threading.Event(), [], []

    def ask() -> None:
        with clean_city.app_context(), acting_as(SYSTEM):
            while not stop.is_set():
                for person, seen in people.items():
                    with unit_of_work():
                        asked.append(1)
                        if found(seen) != person:
                            missed.append(person)

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        with clean_city.app_context(), acting_as(SYSTEM):
            for _ in range(2):
                list(rotate.bases(batch=2))
                list(rotate.keys(batch=2))
    finally:
        stop.set()
        for reader in readers:
            reader.join()

    assert len(asked) > len(people)
    assert missed == []


def test_control_a_reader_that_knows_the_old_basis_alone_misses_people(people, monkeypatch) -> None:
    list(rotate.bases())
    monkeypatch.setattr(basis, "known", lambda: ("r1",))

    assert [found(seen) for seen in people.values()] != list(people)


def test_a_withdrawal_during_a_rotation_leaves_neither_template_nor_key(people) -> None:
    running = rotate.keys(batch=3)
    next(running)
    person = next(iter(people))

    service.withdraw(service._alive(person).id, person=person)
    list(running)

    session().expire_all()
    keys = session().scalars(select(FaceKey.wrapped).where(FaceKey.person_id == person)).all()
    assert set(keys) == {None}
    assert gallery.by_person(person) == []


def test_a_decision_needs_a_known_basis_of_its_own(people) -> None:
    judged = BundledFace().judge(Evidence(method="face", purpose="p", place="321302", frames=(portrait("impostor_1"),)))

    assert judged.decision == "not_matched"
