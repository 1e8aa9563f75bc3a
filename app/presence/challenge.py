"""Head turns that a phone is asked for: chosen afresh for each session, fit for low-value purposes only.

They hinder a photograph held before the camera. They do not stop a video
made to order or pictures injected behind the camera, so no money rests on them.
"""

from __future__ import annotations

import secrets

from app.presence.errors import PurposeNotOffered
from app.presence.ports import low_value

FRONT = "front"
TURNS = ("left", "right", "up", "down")
LENGTH = 3


def chosen() -> str:
    """Return a look to the front and three random turns, no two alike in a row."""
    asked = [FRONT]
    for _ in range(LENGTH):
        asked.append(secrets.choice([turn for turn in TURNS if turn != asked[-1]]))
    return " ".join(asked)


def check_purpose(purpose: str) -> None:
    """Raise `PurposeNotOffered` unless someone declared the purpose to be of low value."""
    if not any(purpose in declared for declared in low_value.all().values()):
        raise PurposeNotOffered()
