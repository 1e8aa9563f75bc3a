"""Who pays how much: the insurer's own arithmetic, in integer fen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_RESIDENT_EXTRA = 2_000  # residents bear 20 points more of each medicine themselves


@dataclass(frozen=True, slots=True)
class Parts:
    """One settlement's parts; they add up to its total."""

    fund: int
    account: int
    cash: int

    @property
    def total(self) -> int:
        """The sum of the parts."""
        return self.fund + self.account + self.cash


def own_share(amount_fen: int, basis_points: int) -> int:
    """Return what the person bears of one line, rounded half up to a fen."""
    return (amount_fen * basis_points + 5_000) // 10_000


def split(lines: Iterable[tuple[int, int]], *, scheme: str, balance_fen: int) -> Parts:
    """Split lines of (amount in fen, co-payment in basis points).

    The fund bears the rest of every line; the own share comes from the
    personal account as far as it reaches, then from the purse.
    """
    extra = _RESIDENT_EXTRA if scheme == "390" else 0
    total = own = 0
    for amount, basis_points in lines:
        total += amount
        own += own_share(amount, min(10_000, basis_points + extra))
    account = min(own, max(0, balance_fen))
    return Parts(total - own, account, own - account)
