"""What the law asks for by itself: templates go when their time is over, and the operator learns of the filing duty."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge
from sqlalchemy import func, or_, select
from sqlalchemy.exc import OperationalError

from app.db import now, session, unit_of_work
from app.facade.settings import settings_of
from app.jobs import Job, Schedule
from app.telemetry import REGISTRY
from identity.attestations import service as attestations
from identity.face import calibration, service, weights
from identity.face.models import FaceConsent, FaceTemplate
from identity.face.provider import BUNDLED, GATEWAY
from identity.parties.models import Person

# 人脸识别技术应用安全管理办法, article 15: filing within 30 working days of storing 100,000 people.
FILING_AT = 100_000
ALARM_AT = FILING_AT * 80 // 100
_BATCH = 500
PEOPLE = Gauge(
    "suxin_face_people", "People whose face template is stored", registry=REGISTRY, multiprocess_mode="mostrecent"
)


class FilingDutyNear(RuntimeError):
    """80 % of 100,000 people are stored and no filing is on record: file with the cyberspace administration."""


def expire() -> None:
    """Erase templates whose consent has run out or whose owner's record was stopped; run hourly."""
    ended = session().execute(
        select(FaceConsent.id, FaceConsent.person_id, FaceConsent.purpose)
        .join(Person, Person.id == FaceConsent.person_id)
        .where(FaceConsent.withdrawn_at.is_(None), or_(FaceConsent.expires_at <= now(), Person.state != "active"))
        .limit(_BATCH)
    )  # fmt: skip
    for row in ended.all():
        service.end(row.id, person=row.person_id)


def stored() -> int:
    """Return how many people's faces are stored, and let the metric say so."""
    people = session().scalars(select(func.count()).select_from(FaceTemplate)).one()
    PEOPLE.set(people)
    return people


def check_filing() -> None:
    """Raise `FilingDutyNear` from 80,000 people on, unless SUXIN_IDENTITY_FACE_FILING names the filing."""
    with _reading():
        if stored() >= ALARM_AT and not settings_of("identity")["face_filing"]:
            raise FilingDutyNear


def check_ready() -> None:
    """Raise unless the chosen engine can judge: weights pinned and calibrated, or a gateway named."""
    settings = settings_of("identity")
    if settings["face_provider"] == GATEWAY:
        if not settings["face_gateway_url"] and not settings["face_gateway_socket"]:
            raise RuntimeError("no gateway is named")
    elif settings["face_provider"] == BUNDLED:
        weights.check()
        with _reading():
            calibration.in_force()
    else:
        raise RuntimeError("SUXIN_IDENTITY_FACE_PROVIDER is neither bundled nor gateway")


@contextmanager
def _reading() -> Iterator[None]:
    # A database that is away has a line of its own in readyz; the face's would only repeat it.
    with contextlib.suppress(OperationalError), unit_of_work(read_only=True):
        yield


JOBS = (Job(name="identity.face_expire", run=expire), Job(name="identity.attestation_sweep", run=attestations.sweep))
SCHEDULE = tuple(Schedule(job=job.name, every_seconds=3600) for job in JOBS)
