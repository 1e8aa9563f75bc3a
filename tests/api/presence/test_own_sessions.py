"""A phone proves its owner's presence by head turns, for low value only; the default is to deny."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

import pytest

from app.db import session, unit_of_work
from app.presence import challenge, liveness
from app.presence.errors import LivenessRefused
from app.presence.models import PresenceSession
from app.principal import Kind
from identity.face import turns
from tests.api.presence.builders import citizen, fresh_frames

PURPOSE = "identity:step-up"


@pytest.fixture
def phone(lin, sign_in) -> dict[str, str]:
    return sign_in(kind=Kind.CITIZEN, party=lin.id, actor=lin.id, scopes=["presence:self"])


def begin(client, phone, purpose: str = PURPOSE) -> Any:
    return client.post("/api/presence/own-sessions", json={"purpose": purpose}, headers=phone)


def send(client, phone, opened: dict[str, Any], frames: list[bytes]) -> Any:
    body = {"frames": [base64.b64encode(frame).decode() for frame in frames]}
    return client.post(f"/api/presence/own-sessions/{opened['id']}/evidence", json=body, headers=phone)


def four(name: str = "person_b_2") -> list[bytes]:
    return fresh_frames(name, 3) + fresh_frames(name, 1)


def test_turns_are_chosen_anew_and_never_twice_in_a_row(client, phone) -> None:
    asked = {tuple(begin(client, phone).get_json()["turns"]) for _ in range(12)}

    assert len(asked) > 1
    for each in asked:
        assert (each[0], len(each)) == ("front", 4)
        assert all(first != second for first, second in pairwise(each))


def test_the_owner_who_turned_as_asked_is_matched(client, phone, lin, monkeypatch) -> None:
    monkeypatch.setattr(turns.HeadTurns, "follows", lambda self, frames, asked: True)

    said = send(client, phone, begin(client, phone).get_json(), four()).get_json()

    assert (said["decision"], said["proof"]["level"]) == ("matched", "challenge")


def test_anothers_head_that_turned_as_asked_is_not(client, phone, monkeypatch) -> None:
    monkeypatch.setattr(turns.HeadTurns, "follows", lambda self, frames, asked: True)

    assert (
        send(client, phone, begin(client, phone).get_json(), four("impostor_1")).get_json()["decision"] == "not_matched"
    )


def test_a_portrait_that_does_not_turn_is_asked_again(client, phone) -> None:
    said = send(client, phone, begin(client, phone).get_json(), four()).get_json()

    assert (said["decision"], said["reason"], said["proof"]) == ("retry", "turns_differ", None)
    assert said["alternatives"] == ["code", "card", "staff"]


@pytest.mark.parametrize("purpose", ["health:purchase", "ledger:transfer", "identity:anything"])
def test_a_phone_never_serves_a_purpose_that_nobody_declared_low(client, phone, purpose) -> None:
    answer = begin(client, phone, purpose)

    assert (answer.status_code, answer.get_json()["type"].rpartition("/")[2]) == (403, "purpose-not-offered")
    assert answer.get_json()["alternatives"] == ["code", "card", "staff"]


def test_another_citizens_session_does_not_exist(client, phone, sign_in) -> None:
    opened = begin(client, phone).get_json()
    with unit_of_work():
        other = citizen(resident_id="329999197603090080").id
    stranger = sign_in(kind=Kind.CITIZEN, party=other, actor=other, scopes=["presence:self"])

    assert send(client, stranger, opened, four()).status_code == 404


def test_a_picture_too_few_is_refused(client, phone) -> None:
    answer = send(client, phone, begin(client, phone).get_json(), fresh_frames(count=3))

    assert (answer.status_code, answer.get_json()["reason"]) == (422, "frames_differ")


def test_without_a_challenge_a_phones_session_is_denied(client, phone) -> None:
    opened = begin(client, phone).get_json()
    with unit_of_work():
        held = session().get(PresenceSession, opened["id"])
        held.challenge = None

    assert isinstance(liveness.judge_of(held), liveness.Deny)
    assert send(client, phone, opened, four()).get_json()["reason"] == "not_offered"


def test_a_phones_statement_is_never_taken_for_a_terminals(lin) -> None:
    opened = PresenceSession(party=lin.id, challenge=challenge.chosen())

    assert isinstance(liveness.judge_of(opened), liveness.ActiveChallenge)
    with pytest.raises(LivenessRefused):
        liveness.Deny().level("", opened=opened, frames=[])
