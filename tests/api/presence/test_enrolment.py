"""A citizen's own way: consent, enrol, be recognised, withdraw."""

from __future__ import annotations

import base64

import pytest

from app.principal import Kind
from tests.api.presence.builders import citizen, fresh_frames
from tests.unit.face.portraits import portrait


@pytest.fixture
def person(work):
    return citizen()


@pytest.fixture
def phone(person, sign_in) -> dict[str, str]:
    return sign_in(kind=Kind.CITIZEN, party=person.id, proofing_level=4, scopes=["identity:face"])


def consent(client, phone) -> str:
    answer = client.post("/api/identity/face/consents", json={"version": "2026-01"}, headers=phone)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def enrol(client, phone, given: str, name: str = "person_b_1"):
    photographs = [base64.b64encode(portrait(name)).decode()]
    body = {"consent": given, "photographs": photographs}
    return client.post("/api/identity/face/enrolments", json=body, headers=phone)


def test_consent_enrolment_recognition_and_withdrawal_follow_one_another(counter, phone, client) -> None:
    given = consent(client, phone)
    assert enrol(client, phone, given).status_code == 201
    assert counter.show(client, counter.open(client), fresh_frames()).get_json()["decision"] == "matched"

    assert client.delete(f"/api/identity/face/consents/{given}", headers=phone).status_code == 204

    assert counter.show(client, counter.open(client), fresh_frames()).get_json()["decision"] == "not_matched"
    assert enrol(client, phone, given).status_code == 403


def test_an_unfit_photograph_is_refused_with_its_reasons(phone, client) -> None:
    answer = enrol(client, phone, consent(client, phone), "person_a_1")

    assert answer.status_code == 422
    assert answer.get_json()["reasons"] == [["too_far_away"]]


def test_anothers_consent_cannot_be_withdrawn(phone, client, sign_in) -> None:
    given = consent(client, phone)
    stranger = citizen(resident_id="329999197603090080")
    other = sign_in(kind=Kind.CITIZEN, party=stranger.id, proofing_level=4, scopes=["identity:face"])

    assert client.delete(f"/api/identity/face/consents/{given}", headers=other).status_code == 404


def test_an_answer_to_bad_base64_does_not_repeat_it(phone, client) -> None:
    body = {"consent": "consent_x", "photographs": ["not base64 but private"]}

    answer = client.post("/api/identity/face/enrolments", json=body, headers=phone)

    assert answer.status_code == 422
    assert "private" not in answer.text


def test_the_demo_seed_enrols_its_two_faces_once_and_quickly(work) -> None:
    import time

    from demo import world
    from identity.face import demo
    from identity.face.engine import engine
    from identity.face.lane import lane
    from identity.face.models import FaceTemplate
    from identity.face.quality import ENROL
    from identity.parties.service import register_person
    from tests.unit.face.portraits import portrait

    for each in world.load().citizens[:2]:
        register_person(
            name=each.name, resident_id=each.resident_id, mobile=each.mobile, area=each.area, source="demo",
            method="demo", level=4, demo_key=each.key,
        )  # fmt: skip
    lane().run(engine)
    began = time.process_time()
    engine().read(portrait("person_b_1"), gate=ENROL)
    engine().read(portrait("person_b_1"), gate=ENROL)
    one_read = (time.process_time() - began) / 2

    started = time.process_time()
    demo.seed()
    demo.seed()

    # 24 ms a read on the machine where half a second was the bound; here as many reads as fit there.
    assert time.process_time() - started < 20 * one_read
    assert work.session.query(FaceTemplate).count() == 2
