"""What may be seen once: one insert decides, whichever worker asks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from app.db import now, session, unit_of_work
from identity.oidc.models import ReplayKey


@dataclass(frozen=True, slots=True)
class Once:
    """Something that may be seen once: whose it is, and until when it would be valid at all."""

    namespace: str
    parts: tuple[str, ...]
    until: datetime

    @property
    def value(self) -> bytes:
        """The key under which it is remembered."""
        return hashlib.sha256("\0".join(self.parts).encode()).digest()


def first_sight(namespace: str, *parts: str, until: datetime) -> bool:
    """Tell whether this is seen for the first time, and remember it for good."""
    return not seen_before([Once(namespace, parts, until)])


def seen_before(uses: Sequence[Once]) -> list[Once]:
    """Remember all of these, in one statement, and return those that were seen before.

    Committed at once: a request refused later on has used its proof all the same.
    """
    if not uses:
        return []
    rows = [{"namespace": each.namespace, "value": each.value, "expires_at": each.until} for each in uses]
    with unit_of_work():
        taken = session().execute(
            insert(ReplayKey).values(rows).on_conflict_do_nothing().returning(ReplayKey.namespace, ReplayKey.value)
        )
        fresh = {(namespace, value) for namespace, value in taken}
    return [each for each in uses if (each.namespace, each.value) not in fresh]


def forget_expired() -> int:
    """Delete what has expired anyway; returns how many."""
    gone = session().execute(delete(ReplayKey).where(ReplayKey.expires_at < now()).returning(ReplayKey.namespace))
    return len(gone.all())
