"""The ledger for plugins: a plugin's accounts are its own, and it moves no other money."""

from __future__ import annotations

from app.ledger import service
from app.ledger.errors import (
    AlreadyResolved,
    BadLegs,
    InsufficientFunds,
    NoSuchTransfer,
    TransferKeyReused,
    UnusableAccount,
)  # fmt: skip
from app.ledger.service import Legs, Moved
from app.principal import principal

__all__ = [
    "AlreadyResolved", "BadLegs", "InsufficientFunds", "Legs", "Moved", "NoSuchTransfer", "TransferKeyReused",
    "UnusableAccount", "balance", "move", "open_account", "outcome", "post", "reserve", "reverse", "void",
]  # fmt: skip


def open_account(code: str, *, holder: str = "", floor: int | None = 0, hot: bool = False) -> str:
    """Return the id of the acting plugin's account, opened on the first call.

    `holder` is a subject id, or nothing for the plugin's own; `floor` is the
    least fen it may hold (None: it may owe). An account that nearly every
    transfer touches is `hot`: it has no floor and is counted by a job.
    """
    return service.open_account(owner=principal().audience, code=code, holder=holder, floor=floor, hot=hot)


def balance(account: str) -> int:
    """Return what one of the plugin's accounts holds now, in fen; raises `UnusableAccount`."""
    return service.balance(account, owner=principal().audience)


def move(*, key: str, legs: Legs, reference: str = "") -> Moved:
    """Move fen between accounts at once: positive where they arrive, summing to zero.

    The same key and legs answer with the first transfer. Raises
    `InsufficientFunds`, `UnusableAccount`, `TransferKeyReused`, `BadLegs`.
    """
    return service.move(owner=principal().audience, key=key, legs=legs, reference=reference)


def reserve(*, key: str, take: Legs, hold: str, reference: str = "") -> Moved:
    """Put fen aside on the account `hold`; later `post` or `void` the reservation, once."""
    return service.reserve(owner=principal().audience, key=key, take=take, hold=hold, reference=reference)


def post(*, key: str, reserved: str, legs: Legs, reference: str = "") -> Moved:
    """Pay out all that a reservation holds: `legs` say where it goes and what comes on top.

    Raises `AlreadyResolved` when it was posted or voided under another key.
    """
    return service.post(owner=principal().audience, key=key, reserved=reserved, legs=legs, reference=reference)


def void(*, key: str, reserved: str, reference: str = "") -> Moved:
    """Give back all that a reservation holds; raises `AlreadyResolved`."""
    return service.void(owner=principal().audience, key=key, reserved=reserved, reference=reference)


def reverse(*, key: str, transfer: str, reference: str = "") -> Moved:
    """Undo a posted (with its reservation) or plain transfer, once; raises `AlreadyResolved`."""
    return service.reverse(owner=principal().audience, key=key, transfer=transfer, reference=reference)


def outcome(key: str) -> str:
    """Return the id of the transfer that a key made, however long ago; raises `NoSuchTransfer`."""
    return service.by_key(key, owner=principal().audience).id
