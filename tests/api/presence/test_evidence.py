"""A session takes its evidence once, from its own terminal, in its minute; every answer names alternatives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import update

from app import audit
from app.db import now, session, unit_of_work
from app.presence import limits
from app.presence.models import PresenceProof, PresenceSession
from app.principal import Kind
from identity.face import service as faces
from tests.api.presence.builders import PURPOSE, RESIDENT_ID, TAIL, fresh_frames, terminal
from tests.unit.face.portraits import portrait

ALTERNATIVES = ["code", "card", "staff"]


def kind(answer: Any) -> str:
    return str(answer.get_json()["type"]).rpartition("/")[2]


def test_another_portrait_of_the_claimed_person_is_matched(counter, lin, client) -> None:
    answer = counter.show(client, counter.open(client), fresh_frames())

    said = answer.get_json()
    assert (answer.status_code, said["decision"], said["alternatives"]) == (200, "matched", ALTERNATIVES)
    assert said["proof"]["level"] == "simulated"
    with unit_of_work():
        proof = session().get(PresenceProof, said["proof"]["id"])
        assert (proof.party, proof.terminal, proof.purpose) == (lin.id, counter.id, PURPOSE)
        assert "presence.decided" in [entry.action for entry in audit.about(lin.id)]


def test_a_resident_number_is_compared_one_to_one(counter, lin, client) -> None:
    answer = counter.show(client, counter.open(client), fresh_frames(), claim={"resident_id": RESIDENT_ID})

    assert answer.get_json()["decision"] == "matched"


def test_another_persons_face_is_not_matched(counter, lin, client) -> None:
    answer = counter.show(client, counter.open(client), fresh_frames("impostor_1"))

    said = answer.get_json()
    assert (answer.status_code, said["decision"], said["proof"]) == (200, "not_matched", None)
    assert said["alternatives"] == ALTERNATIVES


@pytest.mark.parametrize("claim", [{"phone_tail4": "9999"}, {"resident_id": "329999197603090080"}])
def test_an_unknown_claim_answers_exactly_as_a_mismatch(counter, lin, client, claim) -> None:
    known = {"phone_tail4": TAIL} if "phone_tail4" in claim else {"resident_id": RESIDENT_ID}
    mismatch = counter.show(client, counter.open(client), fresh_frames("impostor_1"), claim=known)
    unknown = counter.show(client, counter.open(client), fresh_frames("impostor_1"), claim=claim)

    first, second = ({**answer.get_json(), "session": ""} for answer in (mismatch, unknown))
    assert first == second
    assert (mismatch.status_code, len(mismatch.data)) == (unknown.status_code, len(unknown.data))


def test_the_same_number_of_templates_is_opened_whoever_is_claimed(counter, lin, client, monkeypatch) -> None:
    from identity.face import gallery

    opened: list[int] = []
    real = gallery.open_row
    monkeypatch.setattr(gallery, "open_row", lambda row: opened.append(1) or real(row))

    counts = []
    for tail in (TAIL, "9999"):
        opened.clear()
        counter.show(client, counter.open(client), fresh_frames("impostor_2"), claim={"phone_tail4": tail})
        counts.append(len(opened))

    assert counts == [gallery.SHORTLIST] * 2


def test_a_portrait_below_the_gate_asks_to_come_closer(counter, lin, client) -> None:
    answer = counter.show(client, counter.open(client), [portrait("person_a_1")])

    said = answer.get_json()
    assert (said["decision"], said["reason"], said["alternatives"]) == ("retry", "too_far_away", ALTERNATIVES)


def test_unreadable_bytes_ask_for_a_new_capture(counter, lin, client) -> None:
    answer = counter.show(client, counter.open(client), [b"\xff\xd8\xff polyglot %PDF"])

    assert (answer.get_json()["decision"], answer.get_json()["reason"]) == ("retry", "unreadable")


def test_frames_of_two_people_are_not_averaged(counter, lin, client) -> None:
    frames = fresh_frames(count=1) + fresh_frames("impostor_1", count=1)

    assert counter.show(client, counter.open(client), frames).get_json()["reason"] == "frames_differ"


def test_evidence_is_taken_once(counter, lin, client) -> None:
    opened = counter.open(client)
    counter.show(client, opened, fresh_frames())

    again = counter.show(client, opened, fresh_frames())

    assert (again.status_code, kind(again)) == (409, "session-used")
    assert again.get_json()["alternatives"] == ALTERNATIVES


def test_an_expired_session_is_gone(counter, lin, client) -> None:
    opened = counter.open(client)
    with unit_of_work():
        session().execute(update(PresenceSession).values(expires_at=now() - timedelta(seconds=1)))

    answer = counter.show(client, opened, fresh_frames())
    looked = client.get(f"/api/presence/sessions/{opened['id']}", headers=counter.headers)

    assert (answer.status_code, kind(answer)) == (410, "session-expired")
    assert looked.get_json()["state"] == "expired"


def test_another_terminals_session_does_not_exist(counter, pharmacy, lin, client, sign_in) -> None:
    opened = counter.open(client)
    other = terminal(pharmacy, sign_in)

    assert other.show(client, opened, fresh_frames()).status_code == 404
    assert client.get(f"/api/presence/sessions/{opened['id']}", headers=other.headers).status_code == 404


def test_a_capture_is_never_taken_twice(counter, lin, client) -> None:
    frames = fresh_frames()
    counter.show(client, counter.open(client), frames)

    again = counter.show(client, counter.open(client), [*fresh_frames(count=1), frames[0]])

    assert (again.status_code, kind(again)) == (409, "capture-seen")


def test_one_capture_twice_is_no_second_frame(counter, lin, client) -> None:
    assert counter.show(client, counter.open(client), fresh_frames(count=1) * 2).status_code == 409


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"said": {"nonce": "of another session"}}, "nonce_differs"),
        ({"said": {"session": "presence_other"}}, "session_differs"),
        ({"said": {"purpose": "health:other"}}, "purpose_differs"),
        ({"said": {"frames": ["0" * 64, "0" * 64]}}, "frames_differs"),
        ({"said": {"level": "none"}}, "level"),
        ({"said": {"camera": None}}, "camera"),
        ({"said": {"iat": 1_000}}, "clock"),
        ({"typ": "JWT"}, "type"),
        ({"key": ECKey.generate_key("P-256")}, "signature"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_statement_that_does_not_fit_is_refused(counter, lin, client, changes, reason) -> None:
    answer = counter.show(client, counter.open(client), fresh_frames(), **changes)

    assert (answer.status_code, kind(answer)) == (422, "liveness-refused")
    assert answer.get_json()["reason"] == reason


def test_simulated_liveness_is_refused_outside_the_demo_world(counter, lin, client, app, monkeypatch) -> None:
    import dataclasses

    opened = counter.open(client)
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(app.config["SETTINGS"], demo=False))

    assert counter.show(client, opened, fresh_frames()).get_json()["reason"] == "level"


def test_consent_withdrawn_in_between_ends_recognition_at_once(counter, lin, client) -> None:
    opened = counter.open(client)
    with unit_of_work():
        faces.withdraw(faces._alive(lin.id).id, person=lin.id)

    assert counter.show(client, opened, fresh_frames()).get_json()["decision"] == "not_matched"


def test_consent_withdrawn_while_the_face_is_compared_counts(counter, lin, client, monkeypatch) -> None:
    from identity.face import provider

    real = provider._compare

    def compare(*given: Any, **more: Any) -> str | None:
        found = real(*given, **more)
        with unit_of_work():
            faces.withdraw(faces._alive(lin.id).id, person=lin.id)
        return found

    monkeypatch.setattr(provider, "_compare", compare)

    assert counter.show(client, counter.open(client), fresh_frames()).get_json()["decision"] == "not_matched"


def test_guessing_at_one_claim_is_stopped(counter, lin, client, monkeypatch) -> None:
    monkeypatch.setattr(limits, "PER_CLAIM", 2)
    for _ in range(2):
        counter.show(client, counter.open(client), fresh_frames("impostor_1"))

    answer = counter.show(client, counter.open(client), fresh_frames())

    assert (answer.status_code, kind(answer)) == (429, "too-many-guesses")
    assert answer.headers["Retry-After"] == "600"


def test_matches_do_not_count_as_guesses(counter, lin, client, monkeypatch) -> None:
    monkeypatch.setattr(limits, "PER_CLAIM", 1)

    decisions = [counter.show(client, counter.open(client), fresh_frames()).get_json()["decision"] for _ in range(3)]

    assert decisions == ["matched"] * 3


def test_only_terminals_with_the_scope_open_sessions(client, sign_in) -> None:
    for who in ({"kind": Kind.CITIZEN, "scopes": ["presence:verify"]}, {"kind": Kind.TERMINAL, "scopes": []}):
        answer = client.post("/api/presence/sessions", json={"purpose": PURPOSE}, headers=sign_in(**who))
        assert answer.status_code == 403


def test_a_citizens_code_is_evidence_once(counter, lin, client, sign_in) -> None:
    phone = sign_in(kind=Kind.CITIZEN, party=lin.id, scopes=["presence:code"])
    code = client.post("/api/presence/codes", headers=phone).get_json()["code"]

    def show() -> Any:
        opened = counter.open(client)
        return client.post(
            f"/api/presence/sessions/{opened['id']}/evidence",
            json={"method": "code", "code": code},
            headers=counter.headers,
        ).get_json()

    first, second = show(), show()

    assert (first["decision"], first["proof"]["level"]) == ("matched", "code")
    assert (second["decision"], second["reason"]) == ("not_matched", "code_wrong")


def test_an_unknown_method_names_those_offered(counter, client) -> None:
    opened = counter.open(client)
    answer = client.post(
        f"/api/presence/sessions/{opened['id']}/evidence", json={"method": "palm"}, headers=counter.headers
    )

    assert answer.status_code == 422
    assert answer.get_json()["methods"] == ["card", "code", "face", "staff"]
