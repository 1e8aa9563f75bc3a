"""Which proofs reach which level (800-63B-4: two different kinds of factor, or a passkey with user verification)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from app.db import session
from identity.authenticators.models import Authenticator

_KNOWLEDGE = frozenset({"password"})
_POSSESSION = frozenset({"totp", "sms"})
_ACR = re.compile(r"(?:ial([1-5]))?\.?(?:aal([12]))?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The levels a client asks for; 0 and 1 are no wish."""

    proofing: int = 0
    authentication: int = 1

    @classmethod
    def parse(cls, acr: str) -> Wanted:
        """Return the lowest level of `acr` values that we know (`aal2`, `ial4.aal2`); others are no wish."""
        found = [match for match in map(_ACR.fullmatch, acr.split()) if match and any(match.groups())]
        asked = [cls(int(match[1] or 0), int(match[2] or 1)) for match in found]
        return min(asked, key=lambda each: (each.authentication, each.proofing), default=cls())

    def __str__(self) -> str:
        parts = [f"ial{self.proofing}"] if self.proofing else []
        return ".".join([*parts, f"aal{self.authentication}"]) if self.authentication > 1 else ".".join(parts)


def reached(methods: Iterable[str]) -> int:
    """Return the authentication level that these proofs reach together."""
    shown = frozenset(methods)
    if "passkey" in shown or (shown & _KNOWLEDGE and shown & _POSSESSION):
        return 2
    return 1 if shown else 0


def strength(account_id: str) -> int:
    """Return the highest level at which an account can be opened: what may not be undercut by recovery."""
    kinds = session().scalars(
        select(Authenticator.kind).where(Authenticator.account_id == account_id, Authenticator.suspect_at.is_(None))
    )
    return max(1, reached(kinds))
