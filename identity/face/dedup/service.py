"""Ask for a search, let a second person approve it, look at it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from app import audit
from app.db import add, now, session
from app.errors import NotFound
from app.outbox import enqueue
from app.principal import Principal
from identity.face.dedup.errors import NotAuthorised, NotWaiting, SecondPersonNeeded
from identity.face.dedup.models import FaceDedupFinding, FaceDedupJob
from identity.face.dedup.ports import dedup_rights

REASONS = ("fraud-inquiry", "register-audit", "court-order")
JOB = "identity.face_dedup"


def request(*, who: Principal, reason: str) -> FaceDedupJob:
    """Ask for a search over all templates; it waits for a second person. Raises `NotAuthorised`."""
    _check(who)
    asked = add(FaceDedupJob(reason=reason, requested_by=who.actor))
    audit.record("identity.face-dedup-requested", object=asked.id, purpose=reason)
    return asked


def approve(job_id: str, *, who: Principal) -> FaceDedupJob:
    """Approve a search that somebody else asked for, and queue it.

    Raises `NotAuthorised`, `NotFound`, `SecondPersonNeeded`, `NotWaiting`.
    """
    _check(who)
    found = look(job_id, who=who)
    if found.requested_by == who.actor:
        raise SecondPersonNeeded()
    approved = session().scalar(
        update(FaceDedupJob)
        .where(
            FaceDedupJob.id == job_id, FaceDedupJob.state == "requested", FaceDedupJob.requested_by != who.actor
        )
        .values(state="approved", approved_by=who.actor, approved_at=now())
        .returning(FaceDedupJob.id)
    )  # fmt: skip
    if approved is None:
        raise NotWaiting()
    audit.record("identity.face-dedup-approved", object=job_id, purpose=found.reason)
    enqueue(JOB, job_id=job_id)
    session().refresh(found)
    return found


def look(job_id: str, *, who: Principal) -> FaceDedupJob:
    """Return a search; raises `NotAuthorised`, `NotFound`."""
    _check(who)
    found = session().get(FaceDedupJob, job_id)
    if found is None:
        raise NotFound()
    return found


def findings(job_id: str, *, who: Principal) -> Sequence[FaceDedupFinding]:
    """Return the pairs a search found; that it was read is on record. Raises `NotAuthorised`, `NotFound`."""
    found = look(job_id, who=who)
    pairs = session().scalars(
        select(FaceDedupFinding)
        .where(FaceDedupFinding.job_id == job_id)
        .order_by(FaceDedupFinding.first, FaceDedupFinding.second)
        .limit(1000)
    ).all()  # fmt: skip
    for party in sorted({party for pair in pairs for party in (pair.first, pair.second)}):
        audit.record("identity.face-dedup-read", subject=party, object=found.id, purpose=found.reason)
    return pairs


def _check(who: Principal) -> None:
    if not dedup_rights.only().appointed(who):
        raise NotAuthorised()
