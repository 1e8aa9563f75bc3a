"""Load the demo world: invented people and shops by which the main job is shown.

Resident IDs carry the never-assigned area 329999 and mobiles the unassigned
154 range, so nothing here can belong to a real person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Insurance:
    """What the insurer knows of a citizen."""

    scheme: str
    state: str
    balance_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """One invented citizen; `face` names the portrait pair that stands for them."""

    key: str
    name: str
    resident_id: str = field(repr=False)
    mobile: str = field(repr=False)
    password: str = field(repr=False)
    area: str
    face: str | None
    insurance: Insurance

    @property
    def birth_date(self) -> date:
        """The date of birth that the resident ID states."""
        return date.fromisoformat(self.resident_id[6:14])

    @property
    def enrolment_portrait(self) -> Path | None:
        """The portrait to enrol, or None for a citizen without a face."""
        return None if self.face is None else FOLDER / "faces" / f"{self.face}_1.jpg"

    @property
    def probe_portrait(self) -> Path | None:
        """Another portrait of the same person, to be recognised by."""
        return None if self.face is None else FOLDER / "faces" / f"{self.face}_2.jpg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A device at a pharmacy's counter."""

    key: str
    place: str
    area: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pharmacy:
    """A pharmacy with its unified credit code and its insurance institution code."""

    key: str
    name: str
    credit_code: str
    institution_code: str
    area: str
    address: str
    terminals: tuple[Terminal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    """One line of the insurance medicine list; money in fen, shares in basis points."""

    code: str
    name: str
    name_en: str
    spec: str
    unit: str
    maker: str
    price_fen: int
    price_limit_fen: int
    copay_basis_points: int
    prescription: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything invented, in the order of the files."""

    citizens: tuple[Citizen, ...]
    pharmacies: tuple[Pharmacy, ...]
    medicines: tuple[Medicine, ...]

    def citizen(self, key: str) -> Citizen:
        """Return a citizen by key; raises `KeyError`."""
        return next((each for each in self.citizens if each.key == key), None) or _missing(key)

    def impostors(self) -> tuple[Path, ...]:
        """Return portraits of people whom no citizen of this world looks like."""
        return tuple(sorted((FOLDER / "faces").glob("impostor_*.jpg")))


@cache
def load() -> World:
    """Return the demo world, read once."""
    return World(
        citizens=tuple(_citizen(row) for row in _rows("citizens")),
        pharmacies=tuple(_pharmacy(row) for row in _rows("pharmacies")),
        medicines=tuple(Medicine(**row) for row in _rows("medicines")),
    )


def _citizen(row: Mapping[str, Any]) -> Citizen:
    return Citizen(**{**row, "insurance": Insurance(**row["insurance"])})


def _pharmacy(row: Mapping[str, Any]) -> Pharmacy:
    return Pharmacy(**{**row, "terminals": tuple(Terminal(**each) for each in row["terminals"])})


def _rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    return found


def _missing(key: str) -> Citizen:
    raise KeyError(key)
