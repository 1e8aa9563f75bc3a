"""The search over all citizens: two officials, exact, in memory only, and blind to whoever was erased."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import select

from app import audit
from app.db import session
from app.outbox import OutboxEvent
from app.principal import Kind, Principal
from identity.face import rotate, service
from identity.face.dedup import index, search
from identity.face.dedup import service as jobs
from identity.face.dedup.errors import NotAuthorised, NotWaiting, SecondPersonNeeded
from identity.face.dedup.index import FaissShard, Gallery, NumpyShard, number_of
from identity.face.dedup.models import FaceDedupFinding, FaceDedupJob
from identity.face.vector import unit
from tests.unit.face.people import enrol_as, enrol_many, register, vector_of

DESKS = (("dept_1", "face-dedup", "321300"),)
ONE = Principal(kind=Kind.OFFICIAL, actor="official_1", desks=DESKS)
TWO = Principal(kind=Kind.OFFICIAL, actor="official_2", desks=DESKS)


@pytest.fixture
def doubled(work) -> tuple[str, str]:
    """Twelve citizens, and one of them enrolled again under another number."""
    held = list(enrol_many(12))
    again = enrol_as(register(500), unit(vector_of(3) + 0.3 * vector_of(900)))
    work.commit()
    return (min(held[3], again), max(held[3], again))


def approved() -> str:
    asked = jobs.request(who=ONE, reason="fraud-inquiry")
    return jobs.approve(asked.id, who=TWO).id


def pairs() -> list[tuple[str, str]]:
    session().expire_all()
    return [(each.first, each.second) for each in session().scalars(select(FaceDedupFinding))]


def test_who_is_enrolled_twice_is_found(doubled) -> None:
    job = approved()

    assert search.run(job) == 1
    assert pairs() == [doubled]
    assert (session().get(FaceDedupJob, job).state, session().get(FaceDedupJob, job).searched) == ("finished", 13)


def test_templates_in_two_bases_are_compared_all_the_same(doubled) -> None:
    running = rotate.bases(batch=5)
    next(running)

    search.run(approved())

    assert pairs() == [doubled]


def test_nothing_runs_before_a_second_official_approved(doubled) -> None:
    asked = jobs.request(who=ONE, reason="fraud-inquiry").id

    assert search.run(asked) == 0
    with pytest.raises(SecondPersonNeeded):
        jobs.approve(asked, who=ONE)
    assert session().scalars(select(OutboxEvent)).all() == []
    assert session().get(FaceDedupJob, asked).state == "requested"


def test_the_database_itself_refuses_one_person_in_both_roles(work) -> None:
    asked = jobs.request(who=ONE, reason="fraud-inquiry").id

    with pytest.raises(sa.exc.IntegrityError, match="two_persons"), session().begin_nested():
        session().execute(sa.update(FaceDedupJob).values(approved_by="official_1"))
    with pytest.raises(sa.exc.IntegrityError, match="approved"), session().begin_nested():
        session().execute(sa.update(FaceDedupJob).where(FaceDedupJob.id == asked).values(state="running"))


def test_approval_queues_the_search_once(doubled, work) -> None:
    job = approved()
    with pytest.raises(NotWaiting):
        jobs.approve(job, who=Principal(kind=Kind.OFFICIAL, actor="official_3", desks=DESKS))
    work.commit()

    queued = session().scalars(select(OutboxEvent)).all()

    assert [(event.job, event.arguments) for event in queued] == [("identity.face_dedup", {"job_id": job})]


@pytest.mark.parametrize("who", [
    Principal(kind=Kind.OFFICIAL, actor="official_9", desks=(("dept_1", "window", "321300"),)),
    Principal(kind=Kind.CITIZEN, actor="person_1", desks=DESKS),
], ids=["other role", "citizen"])  # fmt: skip
def test_nobody_else_asks_approves_or_reads(doubled, who) -> None:
    job = jobs.request(who=ONE, reason="fraud-inquiry").id

    for act in (lambda: jobs.request(who=who, reason="fraud-inquiry"), lambda: jobs.approve(job, who=who),
                lambda: jobs.look(job, who=who), lambda: jobs.findings(job, who=who)):  # fmt: skip
        with pytest.raises(NotAuthorised):
            act()


def test_reading_a_finding_is_on_record_for_both(doubled, work) -> None:
    job = approved()
    search.run(job)

    jobs.findings(job, who=TWO)
    work.commit()

    for person in doubled:
        assert "identity.face-dedup-read" in [entry.action for entry in audit.about(person)]


def test_an_erasure_during_a_search_leaves_no_finding(doubled, monkeypatch) -> None:
    job, real = approved(), search._note

    def erase_first(*given: Any) -> int:
        service.erase(doubled[0])
        return real(*given)

    monkeypatch.setattr(search, "_note", erase_first)

    assert search.run(job) == 0
    assert pairs() == []


def test_control_a_search_that_notes_without_looking_names_the_erased(doubled, monkeypatch) -> None:
    job = approved()

    def blind(job_id: str, first: str, second: str) -> int:
        service.erase(doubled[0])
        session().merge(FaceDedupFinding(job_id=job_id, first=first, second=second))
        session().flush()
        return 1

    monkeypatch.setattr(search, "_note", blind)
    search.run(job)

    assert pairs() == [doubled]


def test_an_erasure_takes_its_findings_along_and_is_absent_after_a_restart(doubled) -> None:
    search.run(approved())
    assert pairs() == [doubled]

    service.erase(doubled[1])

    assert pairs() == []
    assert doubled[1] not in [name for batch in search._templates() for name, _ in batch]


def test_a_run_that_failed_is_on_record_and_can_be_repeated(doubled, monkeypatch) -> None:
    job = approved()
    with monkeypatch.context() as broken:
        broken.setattr(search, "Gallery", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            search.run(job)
    assert session().get(FaceDedupJob, job, populate_existing=True).state == "failed"

    assert search.run(job) == 1


@pytest.mark.parametrize("shard", [FaissShard, NumpyShard])
def test_an_index_is_exact_and_forgets(shard) -> None:
    if shard is FaissShard:
        pytest.importorskip("faiss")
    gallery = Gallery(4, make=shard)
    vectors = {f"person_{number}": vector_of(number) for number in range(200)}
    gallery.fill(list(vectors), np.stack(list(vectors.values())))
    probe = unit(vector_of(7) + 0.5 * vector_of(8))
    expected = sorted(vectors, key=lambda name: -float(vectors[name] @ probe))[:5]

    assert [number for number, _ in gallery.search(probe, 5)] == [number_of(name) for name in expected]
    assert gallery.erase("person_7")
    assert not gallery.erase("person_7")
    assert number_of("person_7") not in [number for number, _ in gallery.search(probe, 200)]
    assert len(gallery) == 199


def test_enrolling_a_name_again_replaces_it() -> None:
    gallery = Gallery(2, make=NumpyShard)
    gallery.replace("one", vector_of(1))
    gallery.replace("one", vector_of(2))

    found = gallery.search(vector_of(2), 5)
    assert [(number, round(score, 3)) for number, score in found] == [(number_of("one"), 1.0)]
    assert len(gallery) == 1


def test_without_faiss_numpy_searches(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)

    assert isinstance(index.default_shard(), NumpyShard)


def test_an_empty_index_finds_nobody() -> None:
    assert Gallery(2, make=NumpyShard).search(np.ones(128, np.float32), 3) == []


def test_over_the_api_two_officials_and_no_one_alone(doubled, client, sign_in) -> None:
    who = {"kind": Kind.OFFICIAL, "scopes": ["identity:face-dedup"], "desks": DESKS, "authentication_level": 2}
    first, second = (sign_in(actor=name, **who) for name in ("official_1", "official_2"))
    address = "/api/identity/face/dedup-jobs"

    asked = client.post(address, json={"reason": "register-audit"}, headers=first)
    job = asked.get_json()["id"]
    alone = client.post(f"{address}/{job}/approvals", headers=first)
    both = client.post(f"{address}/{job}/approvals", headers=second)
    search.run(job)
    found = client.get(f"{address}/{job}/findings", headers=first).get_json()

    assert (asked.status_code, alone.status_code, both.status_code) == (202, 403, 202)
    assert alone.get_json()["type"].endswith("/second-person-needed")
    assert client.get(f"{address}/{job}", headers=first).get_json()["state"] == "finished"
    assert len(found) == 1
    assert not {found[0]["first"], found[0]["second"]} & set(doubled)
