"""Head turns are read from landmarks, against the look to the front; each must be the one asked for."""

from __future__ import annotations

import numpy as np
import pytest

from identity.face import turns
from identity.face.sight import Face
from identity.face.turns import HeadTurns, Pose, pose_of, turned_as
from tests.unit.face.portraits import portrait

FRONT = Pose(0.0, 0.55)
MOVED = {"left": Pose(0.3, 0.55), "right": Pose(-0.3, 0.55), "up": Pose(0.0, 0.4), "down": Pose(0.0, 0.7)}


def face(nose: tuple[float, float], *, tilt: float = 0.0) -> Face:
    points = np.array([[-30.0, 0], [30, 0], nose, [-20, 60], [20, 60]])
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    return Face(box=np.array([0.0, 0, 100, 100]), landmarks=points @ turn.T + 100, certainty=0.9)


@pytest.mark.parametrize("asked", list(MOVED))
@pytest.mark.parametrize("shown", list(MOVED))
def test_only_the_turn_that_was_asked_for_counts(asked: str, shown: str) -> None:
    assert turned_as(asked, MOVED[shown], FRONT) is (asked == shown)


def test_a_still_head_turned_nowhere() -> None:
    assert not any(turned_as(asked, FRONT, FRONT) for asked in MOVED)
    assert not turned_as("around", MOVED["left"], FRONT)


@pytest.mark.parametrize("tilt", [0.0, 0.3, -0.3])
def test_a_pose_is_the_heads_own_however_the_camera_is_held(tilt: float) -> None:
    straight, left = pose_of(face((0, 33), tilt=tilt)), pose_of(face((15, 33), tilt=tilt))

    assert (straight.sideways, straight.down) == (pytest.approx(0, abs=1e-6), pytest.approx(0.55))
    assert left.sideways == pytest.approx(0.25)


def test_turns_of_one_head_are_followed_and_of_two_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = np.eye(128, dtype=np.float32)[0], np.eye(128, dtype=np.float32)[1]
    shown = {b"f": (FRONT, one), b"l": (MOVED["left"], one), b"x": (MOVED["left"], other)}
    monkeypatch.setattr(turns, "_seen", shown.__getitem__)

    assert HeadTurns().follows([b"f", b"l"], ["front", "left"])
    assert not HeadTurns().follows([b"f", b"x"], ["front", "left"])
    assert not HeadTurns().follows([b"l", b"l"], ["front", "left"])
    assert not HeadTurns().follows([b"f", b"l"], ["left", "front"])


def test_a_portrait_held_before_the_camera_turns_nowhere() -> None:
    still = [portrait("person_b_1")] * 4

    assert not HeadTurns().follows(still, ["front", "left", "up", "right"])


def test_what_is_no_picture_follows_nothing() -> None:
    assert not HeadTurns().follows([b"", b""], ["front", "left"])
