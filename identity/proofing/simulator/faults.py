"""Misbehaviour on purpose, planned through `POST /control`."""

from __future__ import annotations

import threading

KINDS = ("down", "hang", "lose", "garble", "lie")


class Faults:
    """What the next questions meet: down (503), hang, lose (hang up), garble (no JSON), lie (a word nobody knows)."""

    def __init__(self) -> None:
        self._planned: list[tuple[str, float]] = []
        self._lock = threading.Lock()

    def plan(self, kind: str, *, times: int, seconds: float) -> None:
        """Let the next `times` questions meet a fault; raises `ValueError`."""
        if kind not in KINDS:
            raise ValueError(f"write one of {', '.join(KINDS)}")
        with self._lock:
            self._planned += [(kind, seconds)] * times

    def clear(self) -> None:
        """Behave well from now on."""
        with self._lock:
            self._planned.clear()

    def next(self) -> tuple[str, float]:
        """Return what the next question meets."""
        with self._lock:
            return self._planned.pop(0) if self._planned else ("", 0.0)
