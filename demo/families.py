"""Load who may act for whom in the demo world."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from demo.world import FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """An invented minor; without a password there is no account."""

    key: str
    name: str
    resident_id: str = field(repr=False)
    mobile: str = field(repr=False)
    area: str
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deceased:
    """Somebody the population register has struck off."""

    key: str
    name: str
    resident_id: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardianship:
    """What the population register says of a guardian and a ward."""

    guardian: str
    ward: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMandate:
    """A mandate between two citizens; `access` lists scopes by audience."""

    principal: str
    agent: str
    purpose: str
    access: dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent of an organisation."""

    agent: str
    role: str
    access: dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Represented:
    """A pharmacy's organisation, its legal representative and its agents."""

    organisation: str
    representative: str
    agents: tuple[Agent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """All of it, in the order of the file."""

    wards: tuple[Ward, ...]
    deceased: tuple[Deceased, ...]
    guardianships: tuple[Guardianship, ...]
    mandates: tuple[DemoMandate, ...]
    organisations: tuple[Represented, ...]

    def ward(self, key: str) -> Ward:
        """Return a ward by key; raises `StopIteration`."""
        return next(each for each in self.wards if each.key == key)


@cache
def load() -> Families:
    """Return the demo world's families, read once."""
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load((FOLDER / "families.yaml").read_text("utf-8"))
    return Families(
        wards=tuple(Ward(**row) for row in found["wards"]),
        deceased=tuple(Deceased(**row) for row in found["deceased"]),
        guardianships=tuple(Guardianship(**row) for row in found["guardianships"]),
        mandates=tuple(DemoMandate(**row) for row in found["mandates"]),
        organisations=tuple(
            Represented(**{**row, "agents": tuple(Agent(**each) for each in row["agents"])})
            for row in found["organisations"]
        ),
    )
