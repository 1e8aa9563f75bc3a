"""Enrolment codes as people read and type them: 80 random bits in groups of four."""

from __future__ import annotations

import secrets

from app.idempotency import derived_secret

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_BYTES = 10


def of_request(purpose: str) -> str:
    """Return the code of this request: its Idempotency-Key gives the same one again."""
    return _grouped(derived_secret(f"device-code/{purpose}", size=_BYTES))


def fresh() -> str:
    """Return a new code."""
    return _grouped(secrets.token_bytes(_BYTES))


def _grouped(raw: bytes) -> str:
    value = int.from_bytes(raw, "big")
    signs = "".join(_ALPHABET[(value >> shift) & 31] for shift in range(75, -1, -5))
    return "-".join(signs[start : start + 4] for start in range(0, 16, 4)).upper()
