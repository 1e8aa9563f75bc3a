"""What identity does in the background."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from app.db import now, session
from app.jobs import Job, Schedule
from identity.authenticators.models import GuessCount, PendingLogIn, SentCode
from identity.authenticators.sms import codes
from identity.oidc import replay
from identity.oidc.models import AuthorizationCode, Revocation
from identity.sessions.models import BrowserSession, CrossDeviceLogIn, Ticket


def sweep() -> None:
    """Delete what has expired; codes stay a day, so that a late replay is still seen."""
    replay.forget_expired()
    day_ago = now() - timedelta(days=1)
    session().execute(delete(Revocation).where(Revocation.expires_at < now()))
    session().execute(delete(AuthorizationCode).where(AuthorizationCode.expires_at < day_ago))
    session().execute(delete(BrowserSession).where(BrowserSession.expires_at < day_ago))
    for model in (SentCode, PendingLogIn, CrossDeviceLogIn, Ticket):
        session().execute(delete(model).where(model.expires_at < day_ago))
    session().execute(delete(GuessCount).where(GuessCount.window_started_at < day_ago))


JOBS = (
    Job(name="identity.sweep", run=sweep),
    # A code lives five minutes: what has not left by then is of no use.
    Job(name=codes.JOB, run=codes.send, retries=5, timeout_seconds=20),
)
SCHEDULE = (Schedule(job="identity.sweep", every_seconds=300),)
