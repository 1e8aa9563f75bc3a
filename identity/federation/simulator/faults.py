"""Misbehaviour on purpose, planned one by one."""

from __future__ import annotations

import threading

KINDS = (
    "wrong_nonce", "wrong_issuer", "wrong_audience", "borrowed_audience", "expired", "from_the_future", "foreign_key",
    "no_signature", "no_id_token", "mixed_up", "no_issuer_named", "another_subject", "refuse", "garble", "down",
    "no_answer",
)  # fmt: skip


class Faults:
    """Which misbehaviour the next log-ins meet, each as often as planned."""

    def __init__(self) -> None:
        self._planned: dict[str, int] = {}
        self._lock = threading.Lock()

    def plan(self, kind: str, *, times: int = 1) -> None:
        """Let a fault happen so many times; raises `ValueError` for an unknown one."""
        if kind not in KINDS:
            raise ValueError(f"write one of {', '.join(KINDS)}")
        with self._lock:
            self._planned[kind] = times

    def clear(self) -> None:
        """Behave well from now on."""
        with self._lock:
            self._planned.clear()

    def met(self, kind: str) -> bool:
        """Tell whether this fault happens now, and count it."""
        with self._lock:
            left = self._planned.get(kind, 0)
            if left:
                self._planned[kind] = left - 1
            return left > 0
