"""What identity does in the background."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from app.db import now, session
from app.jobs import Job, Schedule
from identity.authenticators.models import GuessCount, PendingLogIn, SentCode
from identity.authenticators.sms import codes
from identity.devices.models import EnrolmentCode
from identity.oidc import replay
from identity.oidc.decoupled.tasks import ask_approval
from identity.oidc.logout import backchannel
from identity.oidc.logout.models import LogoutDelivery
from identity.oidc.models import AuthorizationCode, DecoupledRequest, PushedRequest, Revocation
from identity.oidc.registration.models import RegistrationInvite
from identity.privacy import erasure, exports, parts
from identity.proofing import tasks as rechecks
from identity.sessions.models import BrowserSession, CrossDeviceLogIn, Ticket


def sweep() -> None:
    """Delete what has expired; codes and pushed requests stay a day, so that a late replay is still seen."""
    replay.forget_expired()
    day_ago = now() - timedelta(days=1)
    exports.expire()
    session().execute(delete(EnrolmentCode).where(EnrolmentCode.expires_at < day_ago))
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
    for model in (SentCode, PendingLogIn, CrossDeviceLogIn, Ticket):
        session().execute(delete(model).where(model.expires_at < day_ago))
    session().execute(delete(GuessCount).where(GuessCount.window_started_at < day_ago))


JOBS = (
    Job(name="identity.sweep", run=sweep),
    # A code lives five minutes: what has not left by then is of no use.
    Job(name=codes.JOB, run=codes.send, retries=5, timeout_seconds=20),
    Job(name="identity.ask_approval", run=ask_approval),
    # What fails is put off in its own row, so the queue itself tries nothing again. Whoever logged out is gone by then.
    Job(name="identity.send_logout", run=backchannel.send, retries=0, timeout_seconds=30, outlives_withdrawal=True),
    Job(name="identity.resend_logouts", run=backchannel.resend),
    # The file is for the person, whichever app asked for it.
    Job(name="identity.make_export", run=exports.make, outlives_withdrawal=True),
    Job(name="identity.erase_due", run=erasure.do_due),
    # Whoever asked for it is gone by then.
    Job(name="identity.erase_part", run=parts.erase, retries=20, outlives_withdrawal=True),
    *rechecks.JOBS,
)
SCHEDULE = (
    Schedule(job="identity.sweep", every_seconds=300),
    Schedule(job="identity.resend_logouts", every_seconds=15),
    Schedule(job="identity.erase_due", every_seconds=600),
    *rechecks.SCHEDULE,
)
