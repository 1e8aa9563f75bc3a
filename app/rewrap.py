"""Carry every wrapped key over to the newest key-encryption key, while the city serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app import audit
from app.crypto import KeyRing, vault
from app.db import unit_of_work
from app.ports import Port

BATCH = 500


@dataclass(frozen=True, slots=True)
class Turned:
    """One page of a holder's keys: where it ended (None at the end of all), and how many changed hands."""

    last: str | None
    changed: int


class WrappedKeys(Protocol):
    """Keys that their owner keeps wrapped in a table of its own."""

    def rewrap(self, ring: KeyRing, *, after: str, limit: int) -> Turned:
        """Wrap what lies under an older KEK anew, in a page of keys after an id, within this unit of work."""


wrapped_keys: Port[WrappedKeys] = Port("wrapped_keys")


def rewrap_all(say: Callable[[str, int], None]) -> int:
    """Wrap all keys under the newest KEK, page by page; returns how many changed hands.

    Each page is one short transaction: a call that ends half-way is made again
    and finds done what was done. Old and new wrapping both open meanwhile.
    """
    total = vault().rewrap()
    say("data keys", total)
    for name, holder in sorted(wrapped_keys.all().items()):
        total += _rewrap_one(name, holder, say)
    with unit_of_work():
        audit.record("keys.rewrapped", object=next(iter(vault().ring.keys)), details={"keys": total})
    return total


def _rewrap_one(name: str, holder: WrappedKeys, say: Callable[[str, int], None]) -> int:
    changed, after = 0, ""
    while True:
        with unit_of_work():
            turned = holder.rewrap(vault().ring, after=after, limit=BATCH)
        changed += turned.changed
        say(f"{name} keys", changed)
        if turned.last is None:
            return changed
        after = turned.last
