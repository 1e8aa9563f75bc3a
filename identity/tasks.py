"""What identity does in the background."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from app.db import now, session
from app.jobs import Job, Schedule
from identity.authenticators.models import GuessCount
from identity.oidc import replay
from identity.oidc.decoupled.tasks import ask_approval
from identity.oidc.logout import backchannel
from identity.oidc.logout.models import LogoutDelivery
from identity.oidc.models import AuthorizationCode, DecoupledRequest, PushedRequest, Revocation
from identity.oidc.registration.models import RegistrationInvite
from identity.sessions.models import BrowserSession


def sweep() -> None:
    """Delete what has expired; codes and pushed requests stay a day, so that a late replay is still seen."""
    replay.forget_expired()
    day_ago = now() - timedelta(days=1)
    session().execute(delete(Revocation).where(Revocation.expires_at < now()))
    session().execute(delete(AuthorizationCode).where(AuthorizationCode.expires_at < day_ago))
    session().execute(delete(DecoupledRequest).where(DecoupledRequest.expires_at < day_ago))
    # What an invitation allowed goes on bounding its client.
    unused = RegistrationInvite.client_id.is_(None)
    session().execute(delete(RegistrationInvite).where(RegistrationInvite.expires_at < day_ago, unused))
    told = LogoutDelivery.state != "waiting"
    session().execute(delete(LogoutDelivery).where(LogoutDelivery.created_at < now() - timedelta(days=30), told))
    session().execute(delete(PushedRequest).where(PushedRequest.expires_at < day_ago))
    session().execute(delete(BrowserSession).where(BrowserSession.expires_at < day_ago))
    session().execute(delete(GuessCount).where(GuessCount.window_started_at < day_ago))


JOBS = (
    Job(name="identity.sweep", run=sweep),
    Job(name="identity.ask_approval", run=ask_approval),
    # What fails is put off in its own row, so the queue itself tries nothing again.
    Job(name="identity.send_logout", run=backchannel.send, retries=0, timeout_seconds=30),
    Job(name="identity.resend_logouts", run=backchannel.resend),
)
SCHEDULE = (
    Schedule(job="identity.sweep", every_seconds=300),
    Schedule(job="identity.resend_logouts", every_seconds=15),
)
