"""What bad input gets: one row per kind, each a stable answer that names the next step and the other ways."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import update

from app.db import now, session, unit_of_work
from app.presence.models import PresenceSession
from identity.face import service as faces
from tests.api.presence.builders import Terminal, fresh_frames, terminal
from tests.unit.face.portraits import jpeg, pixels, portrait
from tests.unit.face.test_bad_pictures import BAD as UNREADABLE

FACE = pixels("person_b_2")
TWO = np.hstack([cv2.resize(pixels(name), (500, 640)) for name in ("person_b_2", "impostor_2")])
WALL = np.random.default_rng(4).integers(100, 140, (480, 640, 3), dtype=np.uint8)
DECISIONS = {
    "no face": (jpeg(WALL), "no_face"),
    "two faces": (jpeg(TWO), "several_faces"),
    "blurred": (jpeg(cv2.GaussianBlur(FACE, (0, 0), 14)), "blurred"),
    "dark": (jpeg((FACE * 0.15).astype(np.uint8)), "too_dark"),
    "on its side": (jpeg(np.ascontiguousarray(np.rot90(FACE))), None),
    "tiny": (portrait("person_a_1"), "too_far_away"),
    **{name: (content, "unreadable") for name, (content, _) in UNREADABLE.items()},
}


def problem(answer: Any) -> str:
    return str(answer.get_json()["type"]).rpartition("/")[2]


@pytest.mark.parametrize("kind", list(DECISIONS))
def test_a_bad_picture_is_a_decision_with_a_reason_and_other_ways(counter, lin, client, kind) -> None:
    content, reason = DECISIONS[kind]
    started = time.process_time()

    answer = counter.show(client, counter.open(client), [content])

    said = answer.get_json()
    assert (answer.status_code, said["decision"], said["proof"]) == (200, "retry", None)
    assert said["reason"] in (reason or ("tilted", "turned", "no_face", "uncertain_face", "too_far_away"))
    assert said["message"]
    assert said["alternatives"] == ["code", "card", "staff"]
    assert time.process_time() - started < 2


def wrong_nonce(counter: Terminal, **_: Any) -> Any:
    return counter.show(_["client"], counter.open(_["client"]), fresh_frames(), said={"nonce": "another"})


def old_nonce(counter: Terminal, client: Any, **_: Any) -> Any:
    opened = counter.open(client)
    with unit_of_work():
        session().execute(update(PresenceSession).values(expires_at=now() - timedelta(seconds=1)))
    return counter.show(client, opened, fresh_frames())


def seen_before(counter: Terminal, client: Any, **_: Any) -> Any:
    frames = fresh_frames()
    counter.show(client, counter.open(client), frames)
    return counter.show(client, counter.open(client), frames)


def other_terminals_signature(counter: Terminal, client: Any, other: Terminal, **_: Any) -> Any:
    return counter.show(client, counter.open(client), fresh_frames(), key=other.key)


def clock_off(counter: Terminal, client: Any, seconds: int = 300, **_: Any) -> Any:
    said = {"iat": int(now().timestamp()) + seconds}
    return counter.show(client, counter.open(client), fresh_frames(), said=said)


def clock_behind(counter: Terminal, client: Any, **_: Any) -> Any:
    return clock_off(counter, client, -300)


def evidence_twice(counter: Terminal, client: Any, **_: Any) -> Any:
    opened = counter.open(client)
    counter.show(client, opened, fresh_frames())
    return counter.show(client, opened, fresh_frames())


def unknown_method(counter: Terminal, client: Any, **_: Any) -> Any:
    opened = counter.open(client)
    address = f"/api/presence/sessions/{opened['id']}/evidence"
    return client.post(address, json={"method": "palm"}, headers=counter.headers)


PROBLEMS = {
    wrong_nonce: (422, "liveness-refused", "nonce_differs"),
    old_nonce: (410, "session-expired", None),
    seen_before: (409, "capture-seen", None),
    other_terminals_signature: (422, "liveness-refused", "signature"),
    clock_off: (422, "liveness-refused", "clock"),
    clock_behind: (422, "liveness-refused", "clock"),
    evidence_twice: (409, "session-used", None),
    unknown_method: (422, "method-unknown", None),
}


@pytest.fixture
def neighbour(pharmacy, sign_in) -> Terminal:
    """Another terminal of the same pharmacy."""
    return terminal(pharmacy, sign_in)


@pytest.mark.parametrize("act", list(PROBLEMS))
def test_bad_evidence_is_a_problem_with_a_next_step(counter, neighbour, lin, client, act) -> None:
    answer = act(counter=counter, client=client, other=neighbour)

    said = answer.get_json()
    assert (answer.status_code, problem(answer), said.get("reason")) == PROBLEMS[act]
    assert said["next_step"]
    assert said["alternatives"] == ["code", "card", "staff"]


def test_consent_withdrawn_in_between_matches_nobody(counter, lin, client) -> None:
    opened = counter.open(client)
    with unit_of_work():
        faces.withdraw(faces._alive(lin.id).id, person=lin.id)

    assert counter.show(client, opened, fresh_frames()).get_json()["decision"] == "not_matched"


@pytest.mark.parametrize(
    "frames",
    [["not base64"], [7], [], ["AAAA"] * 4, ["A" * 2_800_000]],
    ids=["no base64", "number", "none", "four", "too long"],
)
def test_frames_of_another_shape_are_refused_without_an_echo(counter, client, frames) -> None:
    opened = counter.open(client)
    body = {"method": "face", "claim": {"phone_tail4": "6688"}, "frames": frames, "liveness": "x"}

    answer = client.post(f"/api/presence/sessions/{opened['id']}/evidence", json=body, headers=counter.headers)

    assert (answer.status_code, problem(answer)) == (422, "invalid-request")
    assert "AAAA" not in answer.text
    assert "not base64 " not in answer.text


def test_a_picture_a_terminal_may_not_send_is_no_enrolment_either(lin) -> None:
    from identity.face.errors import PhotographUnfit

    for content, code in UNREADABLE.values():
        with pytest.raises(PhotographUnfit) as refusal:
            faces.enrol(lin.id, [content], faces._alive(lin.id).id)
        assert refusal.value.members["reasons"] == [[code]]
