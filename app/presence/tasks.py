"""Forget what presence no longer needs."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from app.db import now, session
from app.jobs import Job, Schedule
from app.presence.models import PresenceCapture, PresenceCode, PresenceGuess, PresenceSession

SESSIONS_KEPT = timedelta(days=1)
# A statement is bound to a nonce that lives a minute: a month is a second lock on the same door.
CAPTURES_KEPT = timedelta(days=30)


def sweep() -> None:
    """Delete old sessions, captures, codes and counts; proofs stay with what they proved."""
    for model, column, kept in (
        (PresenceSession, PresenceSession.expires_at, SESSIONS_KEPT),
        (PresenceCapture, PresenceCapture.seen_at, CAPTURES_KEPT),
        (PresenceCode, PresenceCode.expires_at, SESSIONS_KEPT),
        (PresenceGuess, PresenceGuess.window_started_at, SESSIONS_KEPT),
    ):
        session().execute(delete(model).where(column < now() - kept))


JOBS = (Job(name="core.presence_sweep", run=sweep),)
SCHEDULE = (Schedule(job="core.presence_sweep", every_seconds=3600),)
