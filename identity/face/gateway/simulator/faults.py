"""Misbehaviour on purpose, planned call by call."""

from __future__ import annotations

import threading
from dataclasses import dataclass

KINDS = ("hang_up", "down", "late", "garble", "other_request", "unknown_result")


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour; `seconds` is how late a late answer comes."""

    kind: str
    seconds: float = 2.0


class Faults:
    """Which misbehaviour the next question meets."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._lock = threading.Lock()

    def plan(self, kind: str, *, times: int = 1, seconds: float = 2.0) -> None:
        """Let the next questions meet a fault; raises `ValueError` for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"write one of {', '.join(KINDS)}")
        with self._lock:
            self._planned += [Fault(kind, seconds)] * times

    def clear(self) -> None:
        """Behave well from now on."""
        with self._lock:
            self._planned.clear()

    def next(self) -> Fault | None:
        """Return what this question meets, if anything."""
        with self._lock:
            return self._planned.pop(0) if self._planned else None
