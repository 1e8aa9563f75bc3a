"""Forget what the kernel no longer needs."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from app.db import now, session
from app.jobs import Job, Schedule
from app.outbox import HandledEvent

# A broker redelivers within hours (Celery's visibility time-out is one): a month is far beyond.
HANDLED_KEPT = timedelta(days=30)


def forget_handled() -> None:
    """Delete the marks of events handled long ago; idempotency keys stay with their effects for ever."""
    session().execute(delete(HandledEvent).where(HandledEvent.handled_at < now() - HANDLED_KEPT))


JOBS = (Job(name="core.forget_handled", run=forget_handled),)
SCHEDULE = (Schedule(job="core.forget_handled", every_seconds=86_400),)
