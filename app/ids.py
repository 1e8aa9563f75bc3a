"""Opaque identifiers, typed by a prefix and sorted by time (RFC 9562 UUIDv7 in Crockford base32)."""

from __future__ import annotations

import os
import re
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SHAPE = re.compile(r"[a-z]{2,12}_[0-9a-hjkmnp-tv-z]{26}")


def new_id(prefix: str) -> str:
    """Return a fresh identifier such as `case_01k9…` (26 signs after the prefix)."""
    return f"{prefix}_{_base32(_uuid7())}"


def is_id(text: str, prefix: str) -> bool:
    """Tell whether a text has the shape of an identifier with that prefix."""
    return text.startswith(prefix + "_") and _SHAPE.fullmatch(text) is not None


def _uuid7() -> int:
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 68, random & ((1 << 62) - 1)
    return (time.time_ns() // 1_000_000) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low


def _base32(value: int) -> str:
    pairs = _PAIRS
    return "".join([pairs[(value >> shift) & 1023] for shift in _SHIFTS])


# Two signs at a time: every request makes an id.
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_SHIFTS = tuple(range(120, -1, -10))
