"""Pairwise subject ids: outside the core nobody learns the internal id of a party."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.ports import Port


class Directory(Protocol):
    """Translates between internal party ids and the subject ids of one audience."""

    def subject_of(self, party: str, audience: str) -> str:
        """Return the id by which this audience knows a party; the same one for ever."""

    def party_of(self, subject: str, audience: str) -> str | None:
        """Return the party behind a subject id of this audience, or None."""


class DemoPeople(Protocol):
    """Finds the invented citizens of the demo world for the plugins' own seeds."""

    def parties(self) -> Mapping[str, str]:
        """Return citizen key to party id; empty outside the demo."""


directory: Port[Directory] = Port("subjects.directory")
demo_people: Port[DemoPeople] = Port("subjects.demo_people")
