"""What identity does in the background."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from app.db import now, session
from app.jobs import Job, Schedule
from identity.authenticators.models import GuessCount
from identity.devices.models import EnrolmentCode
from identity.oidc import replay
from identity.oidc.models import AuthorizationCode, Revocation
from identity.privacy import erasure, exports, parts
from identity.sessions.models import BrowserSession


def sweep() -> None:
    """Delete what has expired; codes stay a day, so that a late replay is still seen."""
    replay.forget_expired()
    day_ago = now() - timedelta(days=1)
    exports.expire()
    session().execute(delete(EnrolmentCode).where(EnrolmentCode.expires_at < day_ago))
    session().execute(delete(Revocation).where(Revocation.expires_at < now()))
    session().execute(delete(AuthorizationCode).where(AuthorizationCode.expires_at < day_ago))
    session().execute(delete(BrowserSession).where(BrowserSession.expires_at < day_ago))
    session().execute(delete(GuessCount).where(GuessCount.window_started_at < day_ago))


JOBS = (
    Job(name="identity.sweep", run=sweep),
    # The file is for the person, whichever app asked for it.
    Job(name="identity.make_export", run=exports.make, outlives_withdrawal=True),
    Job(name="identity.erase_due", run=erasure.do_due),
    # Whoever asked for it is gone by then.
    Job(name="identity.erase_part", run=parts.erase, retries=20, outlives_withdrawal=True),
)
SCHEDULE = (
    Schedule(job="identity.sweep", every_seconds=300),
    Schedule(job="identity.erase_due", every_seconds=600),
)
