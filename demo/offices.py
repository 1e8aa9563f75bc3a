"""Load the demo world's departments and who works there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import yaml

from demo.world import FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a citizen does at an office, below an area."""

    person: str
    role: str
    area: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """An invented department."""

    key: str
    name: str
    credit_code: str
    area: str
    posts: tuple[Post, ...]


@cache
def load() -> tuple[Office, ...]:
    """Return every office, read once."""
    rows = yaml.safe_load((FOLDER / "offices.yaml").read_text("utf-8"))
    return tuple(Office(**{**row, "posts": tuple(Post(**post) for post in row["posts"])}) for row in rows)
