"""What may be seen once: one insert decides, whichever worker asks."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from app.db import now, session, unit_of_work
from identity.oidc.models import ReplayKey


def first_sight(namespace: str, *parts: str, until: datetime) -> bool:
    """Tell whether this is seen for the first time, and remember it for good.

    Committed at once: a request refused later on has used its proof all the same.
    """
    value = hashlib.sha256("\0".join(parts).encode()).digest()
    with unit_of_work():
        taken = session().execute(
            insert(ReplayKey)
            .values(namespace=namespace, value=value, expires_at=until)
            .on_conflict_do_nothing()
            .returning(ReplayKey.namespace)
        )
        return taken.first() is not None


def forget_expired() -> int:
    """Delete what has expired anyway; returns how many."""
    gone = session().execute(delete(ReplayKey).where(ReplayKey.expires_at < now()).returning(ReplayKey.namespace))
    return len(gone.all())
