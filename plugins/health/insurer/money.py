"""Money on the wire is NUMERIC(16,2) in yuan; inside it is integer fen. Only the adapter turns one into the other."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMERIC = re.compile(r"(0|[1-9][0-9]{0,13})(\.[0-9]{1,2})?", re.ASCII)


class BadAmount(ValueError):
    """An amount that is no NUMERIC(16,2) of at least zero."""


def to_wire(fen: int) -> str:
    """Return fen as yuan with two decimals, such as `12.30`."""
    if isinstance(fen, bool) or not isinstance(fen, int) or not 0 <= fen < 10**16:
        raise BadAmount("an amount is a whole number of fen from 0 to 10^16")
    return f"{fen // 100}.{fen % 100:02d}"


def from_wire(raw: object) -> int:
    """Return yuan (a JSON string, or a number read as Decimal or int) as fen.

    Raises `BadAmount` for floats, signs, exponents and a third decimal.
    """
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        raise BadAmount("an amount is a decimal number")
    written = raw if isinstance(raw, str) else str(raw)
    if not _NUMERIC.fullmatch(written):
        raise BadAmount("an amount has at most 14 digits and 2 decimals")
    return int(Decimal(written).scaleb(2))
