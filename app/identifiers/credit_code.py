"""Unified social credit codes of organisations (GB 32100-2015)."""

from __future__ import annotations

import re
from typing import ClassVar

from app.identifiers.shape import Identifier

_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


class CreditCode(Identifier):
    """An 18-sign credit code: department, kind, area, body, check sign."""

    __slots__ = ()
    kind: ClassVar[str] = "credit_code"
    pattern = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")

    @classmethod
    def flaw(cls, text: str) -> str | None:
        """Return what is wrong with the check sign."""
        return None if text[17] == check_sign(text[:17]) else "wrong check sign"


def check_sign(first17: str) -> str:
    """Return the check sign of the first 17 signs (GB 32100, 5.6: modulus 31, weights 3^i)."""
    total = sum(_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(first17))
    return _SIGNS[(31 - total % 31) % 31]
