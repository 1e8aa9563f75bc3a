"""What the city asks of a medical insurer, in plain words and integer fen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Refused(Exception):
    """The insurer said no for good; `code` is one of our own words such as `arrears`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unreachable(Exception):
    """Nothing was sent: the insurer cannot have done anything."""


class OutcomeUnknown(Exception):
    """Something was sent and no usable answer came: the insurer may have done it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The till on whose behalf a message goes out."""

    institution: str
    area: str
    operator: str
    sign_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """Whether the insurer pays for a person today. No name, no number that a till may see."""

    person_number: str
    scheme: str
    standing: str
    home_area: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One medicine of an order."""

    code: str
    quantity: int
    price_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one insured person buys."""

    person_number: str
    scheme: str
    reference: str
    lines: tuple[OrderLine, ...]

    @property
    def total_fen(self) -> int:
        """The sum over the lines."""
        return sum(line.quantity * line.price_fen for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Who pays how much: the pooled fund, the personal account, cash."""

    fund_fen: int
    account_fen: int
    cash_fen: int

    def __post_init__(self) -> None:
        if min(self.fund_fen, self.account_fen, self.cash_fen) < 0:
            raise ValueError("no part of a split is below zero")

    @property
    def total_fen(self) -> int:
        """The sum of the parts."""
        return self.fund_fen + self.account_fen + self.cash_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A settlement the insurer has booked."""

    number: str
    split: Split


class Insurer(Protocol):
    """The insurer; every call carries the message id that was committed before.

    Each raises `Refused` for a definite no, `Unreachable` when nothing was
    sent, and `OutcomeUnknown` when the answer is missing or unreadable.
    """

    def sign_in(self, desk: Desk, *, message: str) -> str:
        """Open an operator's day; returns the sign-in number."""

    def entitlement(self, desk: Desk, *, voucher: str, message: str) -> Entitlement:
        """Tell what the bearer of an e-voucher token is entitled to."""

    def quote(self, desk: Desk, order: Order, *, message: str) -> Split:
        """Compute the split of an order without any effect."""

    def settle(self, desk: Desk, order: Order, *, message: str) -> Settled:
        """Book an order; the same message id books once."""

    def undo(self, desk: Desk, *, person_number: str, number: str, message: str) -> None:
        """Take a booked settlement back as a whole."""

    def outcome(self, desk: Desk, *, person_number: str, original: str, message: str) -> Settled | None:
        """Return what an earlier `settle` message booked, None when the insurer knows nothing of it."""

    def reverse(self, desk: Desk, *, person_number: str, original: str, message: str) -> None:
        """Make sure that an earlier `settle` message has no effect, now or later."""
