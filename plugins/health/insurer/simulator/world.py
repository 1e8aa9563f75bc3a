"""Whom the simulated insurer insures and what it pays for: the demo world's citizens and medicines."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Insured:
    """One insured person, as the insurer's own register holds it."""

    token: str
    resident_id: str
    name: str
    area: str
    scheme: str
    standing: str
    balance_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One medicine the insurer pays for."""

    code: str
    limit_fen: int
    copay_basis_points: int


@dataclass(frozen=True, slots=True)
class World:
    """All that the simulator is seeded with."""

    insured: tuple[Insured, ...]
    covered: tuple[Covered, ...]


def demo_token(citizen: str) -> str:
    """Return the e-voucher token of a demo citizen, by the citizen's key."""
    return "EC" + hashlib.sha256(f"suxin demo voucher {citizen}".encode()).hexdigest()[:30].upper()


def demo_world() -> World:
    """Return the world that demo/citizens.yaml and demo/medicines.yaml describe."""
    from demo import world as demo

    found = demo.load()
    insured = tuple(
        Insured(
            token=demo_token(each.key), resident_id=each.resident_id, name=each.name, area=each.area[:6],
            scheme=each.insurance.scheme, standing=each.insurance.state, balance_fen=each.insurance.balance_fen,
        )
        for each in found.citizens
        if each.insurance.state not in ("none", "not_enrolled")
    )  # fmt: skip
    covered = tuple(
        Covered(code=each.code, limit_fen=each.price_limit_fen, copay_basis_points=each.copay_basis_points)
        for each in found.medicines
    )
    return World(insured, covered)
