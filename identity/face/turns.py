"""Was the head turned as asked? Judged by where nose, eyes and mouth lie, against the look to the front.

Evidence that somebody moved as told, no more: see docs/face.md for what it does not stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from identity.face.engine import engine, single
from identity.face.lane import Crowded, lane
from identity.face.picture import Unreadable, decode
from identity.face.sight import Face, Unfit
from identity.face.vector import BadVector, Vector

# Shares of the eyes' distance (sideways) and of eyes-to-mouth (up and down) by which the nose must move.
SIDEWAYS, UPRIGHT, STILL = 0.18, 0.09, 0.12
# A turned head looks less like its own front, yet more so than like anybody else's.
SAME_HEAD = 0.30


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the nose lies: sideways from between the eyes, and down towards the mouth."""

    sideways: float
    down: float


def pose_of(face: Face) -> Pose:
    """Return the pose of a face; positive sideways is towards the picture's right, the person's own left."""
    right, left, nose, mouth_right, mouth_left = face.landmarks
    between = (left + right) / 2
    across, drop = left - right, (mouth_left + mouth_right) / 2 - between
    wide, tall = max(float(across @ across), 1.0), max(float(drop @ drop), 1.0)
    return Pose(float((nose - between) @ across) / wide, float((nose - between) @ drop) / tall)


def turned_as(asked: str, seen: Pose, front: Pose) -> bool:
    """Tell whether a pose is the one asked for: far enough that way, and not far the other."""
    sideways, down = seen.sideways - front.sideways, seen.down - front.down
    moves = {"left": sideways, "right": -sideways, "up": -down, "down": down}
    needed = SIDEWAYS if asked in ("left", "right") else UPRIGHT
    across = abs(down) if asked in ("left", "right") else abs(sideways)
    return asked in moves and moves[asked] >= needed and across < 2 * STILL


class HeadTurns:
    """The core's `TurnReader`, by the bundled engine."""

    def follows(self, frames: Sequence[bytes], turns: Sequence[str]) -> bool:
        """Tell whether picture by picture one head, always the same, was turned as asked."""
        try:
            seen = lane().run(lambda: [_seen(frame) for frame in frames])
        except (Unreadable, Unfit, BadVector, Crowded):
            return False
        if not seen or turns[0] != "front" or abs(seen[0][0].sideways) > STILL:
            return False
        front, owner = seen[0]
        return all(
            turned_as(asked, pose, front) and float(np.dot(vector, owner)) >= SAME_HEAD
            for (pose, vector), asked in zip(seen[1:], turns[1:], strict=True)
        )


def _seen(frame: bytes) -> tuple[Pose, Vector]:
    pixels = decode(frame)
    face = single(engine().detect(pixels))
    return pose_of(face), engine().embed(engine().align(pixels, face))
