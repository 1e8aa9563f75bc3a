"""What may be seen once: one insert decides, whichever worker asks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete

from app.db import now, session
from identity.oidc.models import ReplayKey
from identity.oidc.one_shot import OneShot


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


# The marks that were fresh, as one text.
FRESH = "coalesce(string_agg(namespace || ' ' || encode(value, 'hex'), ','), '')"
USED = """
    SELECT n AS namespace, decode(v, 'hex') AS value, to_timestamp(e::float8) AS expires_at
    FROM unnest(cast(:namespaces AS text[]), cast(:marks AS text[]), cast(:ends AS text[])) AS used (n, v, e)
"""
_REMEMBER = OneShot.of(
    "replay",
    f"""
    WITH taken AS (INSERT INTO identity.replay_key (namespace, value, expires_at) {USED}
        ON CONFLICT DO NOTHING RETURNING namespace, value)
    SELECT {FRESH} FROM taken
    """,  # noqa: S608 - all parts are constants
)


def seen_before(uses: Sequence[Once]) -> list[Once]:
    """Remember all of these, in one statement, and return those that were seen before.

    Committed at once: a request refused later on has used its proof all the same.
    """
    return not_fresh(uses, _REMEMBER.run(arrays(uses))[0]) if uses else []


def arrays(uses: Sequence[Once]) -> dict[str, str | None]:
    """Return the parameters of `USED`; no part of them needs a quotation mark."""
    columns = {
        "namespaces": [each.namespace for each in uses],
        "marks": [each.value.hex() for each in uses],
        "ends": [str(each.until.timestamp()) for each in uses],
    }
    return {name: "{" + ",".join(column) + "}" for name, column in columns.items()}


def not_fresh(uses: Sequence[Once], fresh: str | None) -> list[Once]:
    """Return the uses that are missing among the fresh marks."""
    marks = set((fresh or "").split(","))
    return [each for each in uses if f"{each.namespace} {each.value.hex()}" not in marks]


def forget_expired() -> int:
    """Delete what has expired anyway; returns how many."""
    gone = session().execute(delete(ReplayKey).where(ReplayKey.expires_at < now()).returning(ReplayKey.namespace))
    return len(gone.all())
