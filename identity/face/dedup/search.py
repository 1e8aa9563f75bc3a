"""Run an approved search: all templates into memory, each compared with all, pairs noted while both still exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from sqlalchemy import select, update

from app import audit, crypto
from app.db import add, now, session, unit_of_work
from app.jobs import Job
from identity.face import basis, calibration, vault, weights
from identity.face.dedup.index import Gallery, number_of
from identity.face.dedup.models import FaceDedupFinding, FaceDedupJob
from identity.face.dedup.service import JOB
from identity.face.gallery import Row, label_of, open_row
from identity.face.models import FaceConsent, FaceKey, FaceTemplate
from identity.face.vector import Vector

BATCH = 500
# Each template meets all others: a pair of strangers must be rarer than in one comparison with a shortlist.
LIFT = 0.08
NEIGHBOURS = 6


def run(job_id: str, *, progress: Callable[[int], None] = lambda _: None) -> int:
    """Search for an approved job and return how many pairs stand; does nothing unless it is approved.

    Each batch commits by itself; a run that was killed begins anew, from the
    templates that exist then: nothing that was erased is ever read back.
    """
    if not _take(job_id):
        return 0
    try:
        with unit_of_work():
            bar = calibration.in_force().shortlist + LIFT
        gallery = Gallery()
        for batch in _templates():
            gallery.fill([name for name, _ in batch], np.stack([vector for _, vector in batch]))
        pairs = sum(_note(job_id, first, second) for first, second in _alike(gallery, bar, progress))
    except BaseException:
        _end(job_id, "failed", 0)
        raise
    _end(job_id, "finished", len(gallery))
    return pairs


def _alike(gallery: Gallery, bar: float, progress: Callable[[int], None]) -> list[tuple[str, str]]:
    """Return the pairs that reach the bar. Each is met from both sides, which tells both names."""
    names: dict[int, str] = {}
    met: set[tuple[int, int]] = set()
    done = 0
    for batch in _templates():
        for name, vector in batch:
            own = number_of(name)
            near = [other for other, score in gallery.search(vector, NEIGHBOURS) if score >= bar and other != own]
            if near:
                names[own] = name
                met |= {(min(own, other), max(own, other)) for other in near}
        done += len(batch)
        progress(done)
    known = [(names[one], names[other]) for one, other in met if one in names and other in names]
    return sorted((min(pair), max(pair)) for pair in known)


def _templates() -> Iterator[list[tuple[str, Vector]]]:
    """Yield consenting citizens' vectors in one common basis, batch by batch, as they are now."""
    last = ""
    while True:
        with unit_of_work():
            common = basis.known()[0]
            held = session().execute(
                select(FaceTemplate, FaceKey.wrapped)
                .join(FaceKey, FaceKey.id == FaceTemplate.key_id)
                .join(FaceConsent, FaceConsent.id == FaceTemplate.consent_id)
                .where(
                    FaceTemplate.person_id > last, FaceTemplate.model == weights.MODEL_ID,
                    FaceConsent.withdrawn_at.is_(None), FaceKey.wrapped.is_not(None),
                )
                .order_by(FaceTemplate.person_id)
                .limit(BATCH)
            ).all()  # fmt: skip
            opened = [vector for each, wrapped in held if (vector := _opened(each, wrapped or b"", common))]
        if opened:
            yield opened
        if len(held) < BATCH:
            return
        last = held[-1][0].person_id


def _opened(held: FaceTemplate, wrapped: bytes, common: str) -> tuple[str, Vector] | None:
    try:
        vector = open_row(Row(held.person_id, label_of(held), wrapped, held.sealed, held.photographs))
    except crypto.CannotOpen:
        return None
    if held.rotation != common:
        vector = vault.turned(vector, before=held.rotation, after=common)
    return held.person_id, vector


def _note(job_id: str, first: str, second: str) -> int:
    """Keep a pair if both templates exist at this moment, and hold them until it is kept."""
    with unit_of_work():
        living = session().scalars(
            select(FaceTemplate.person_id)
            .where(FaceTemplate.person_id.in_((first, second)))
            .order_by(FaceTemplate.person_id)
            .with_for_update(read=True)
        ).all()  # fmt: skip
        if len(living) < 2 or session().get(FaceDedupFinding, (job_id, first, second)) is not None:
            return 0
        add(FaceDedupFinding(job_id=job_id, first=first, second=second))
        return 1


def _take(job_id: str) -> bool:
    with unit_of_work():
        taken = session().scalar(
            update(FaceDedupJob)
            .where(FaceDedupJob.id == job_id, FaceDedupJob.state.in_(("approved", "running", "failed")))
            .values(state="running")
            .returning(FaceDedupJob.id)
        )
        return taken is not None


def _end(job_id: str, state: str, searched: int) -> None:
    with unit_of_work():
        session().execute(
            update(FaceDedupJob)
            .where(FaceDedupJob.id == job_id)
            .values(state=state, searched=searched, finished_at=now())
        )
        audit.record("identity.face-dedup-ended", object=job_id, outcome=state, details={"searched": searched})


def work(job_id: str) -> None:
    """Run the search as a job."""
    run(job_id)


JOBS = (Job(name=JOB, run=work, retries=2, timeout_seconds=3600),)
