"""What identity does in the background."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from app.db import now, session
from app.jobs import Job, Schedule
from identity.authenticators.models import GuessCount
from identity.oidc import replay
from identity.oidc.models import AuthorizationCode, Revocation
from identity.proofing import tasks as rechecks
from identity.sessions.models import BrowserSession


def sweep() -> None:
    """Delete what has expired; codes stay a day, so that a late replay is still seen."""
    replay.forget_expired()
    day_ago = now() - timedelta(days=1)
    session().execute(delete(Revocation).where(Revocation.expires_at < now()))
    session().execute(delete(AuthorizationCode).where(AuthorizationCode.expires_at < day_ago))
    session().execute(delete(BrowserSession).where(BrowserSession.expires_at < day_ago))
    session().execute(delete(GuessCount).where(GuessCount.window_started_at < day_ago))


JOBS = (Job(name="identity.sweep", run=sweep), *rechecks.JOBS)
SCHEDULE = (Schedule(job="identity.sweep", every_seconds=300), *rechecks.SCHEDULE)
