"""Resident identity numbers (GB 11643-1999): area, birth date, sequence, check sign."""

from __future__ import annotations

import re
from datetime import date
from typing import ClassVar, Self

from app.identifiers.shape import BadIdentifier, Identifier

# GB/T 2260 gives no county this code; numbers of invented people carry it.
DEMO_AREA = "329999"
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"


class ResidentId(Identifier):
    """An 18-sign resident identity number."""

    __slots__ = ()
    kind: ClassVar[str] = "resident_id"
    pattern = re.compile(r"[0-9]{17}[0-9X]")

    @classmethod
    def parse(cls, text: str, *, demo: bool = False) -> Self:
        """Return the checked number; one of an invented person passes only with `demo`.

        A small `x` at the end is read as the large one. Raises `BadIdentifier`.
        """
        if isinstance(text, str) and text.startswith(DEMO_AREA) and not demo:
            raise BadIdentifier(cls.kind, "belongs to the demo world")
        return super().parse(text[:-1] + "X" if isinstance(text, str) and text.endswith("x") else text)

    @classmethod
    def flaw(cls, text: str) -> str | None:
        """Return what is wrong: province, birth date or check sign."""
        if text[:2] not in _PROVINCES:
            return "no such province"
        if _birth_date(text) is None:
            return "no such birth date"
        return None if text[17] == check_sign(text[:17]) else "wrong check sign"

    @property
    def area(self) -> str:
        """The county of first registration, a six-digit code of its time."""
        return self.text[:6]

    @property
    def birth_date(self) -> date:
        """The date of birth."""
        found = _birth_date(self.text)
        assert found is not None
        return found


def check_sign(first17: str) -> str:
    """Return the check sign of the first 17 digits (ISO 7064, MOD 11-2)."""
    return _CHECK[sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11]


def _birth_date(text: str) -> date | None:
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return None
    return born if date(1850, 1, 1) <= born <= date.today() else None
