"""Whom the simulated province knows, and the one client it has."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from identity.federation.providers import SIMULATED_CLIENT, SIMULATED_SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One person in the province's own register."""

    key: str
    name: str
    resident_id: str

    @property
    def subject(self) -> str:
        """The province's own id of the person, unlike any of the city's."""
        return "js-" + hashlib.sha256(f"simulated province {self.key}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class World:
    """All the province knows."""

    people: Mapping[str, Known]
    client_id: str = SIMULATED_CLIENT
    client_secret: str = SIMULATED_SECRET
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")


def demo_world() -> World:
    """Return the demo's citizens as their province knows them."""
    from demo import world as demo

    known = (Known(key=each.key, name=each.name, resident_id=each.resident_id) for each in demo.load().citizens)
    return World({each.key: each for each in known})
