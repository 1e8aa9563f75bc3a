"""Misbehaviour on purpose: planned one by one, or by chance from a seed."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass

KINDS = ("lose_request", "lose_answer", "late_work", "late_answer", "duplicate", "refuse", "down", "garble")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One misbehaviour.

    lose_request: hang up before doing anything. lose_answer: do it, then hang
    up. late_work: wait, then do it and answer. late_answer: do it at once,
    answer late. duplicate: deliver the message twice. refuse: answer
    `code`. down: HTTP 503. garble: answer something that is no envelope.
    """

    kind: str
    seconds: float = 2.0
    code: str = "FROZEN"


class Faults:
    """Which misbehaviour the next message of a transaction meets."""

    def __init__(self, rates: dict[str, float] | None = None, *, seed: int = 0) -> None:
        self._rates = rates or {}
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._planned: list[tuple[str, Fault, int]] = []
        self._lock = threading.Lock()

    @classmethod
    def from_text(cls, written: str) -> Faults:
        """Read `lose_answer=0.05,late_answer=0.02,seed=7`; raises `ValueError`."""
        pairs = dict(each.split("=", 1) for each in written.replace(" ", "").split(",") if each)
        seed = int(pairs.pop("seed", "0"))
        unknown = set(pairs) - set(KINDS)
        if unknown:
            raise ValueError(f"write one of {', '.join(KINDS)} with a rate from 0 to 1")
        return cls({kind: float(rate) for kind, rate in pairs.items()}, seed=seed)

    def plan(self, transaction: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next `times` messages of a transaction (`*`: of any) meet a fault."""
        if fault.kind not in KINDS:
            raise ValueError(f"write one of {', '.join(KINDS)}")
        with self._lock:
            self._planned.append((transaction, fault, times))

    def clear(self) -> None:
        """Behave well from now on."""
        with self._lock:
            self._planned.clear()
            self._rates = {}

    def next(self, transaction: str) -> Fault | None:
        """Return what this message meets, if anything."""
        with self._lock:
            for position, (wanted, fault, times) in enumerate(self._planned):
                if wanted in (transaction, "*"):
                    self._planned[position] = (wanted, fault, times - 1)
                    self._planned = [each for each in self._planned if each[2] > 0]
                    return fault
            drawn = self._chance.random()
            for kind, rate in self._rates.items():
                if drawn < rate:
                    return Fault(kind=kind)
                drawn -= rate
        return None
