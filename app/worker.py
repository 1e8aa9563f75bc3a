"""Celery, bound to the city: every plugin's jobs, run once per event under their Principal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import structlog
from celery import Celery
from flask import Flask
from sqlalchemy import text

from app import audit
from app.db import session, unit_of_work
from app.jobs import Job, Schedule
from app.outbox import enqueue, restored
from app.principal import CORE_AUDIENCE, SYSTEM, Principal, acting_as
from app.standing import still_stands
from app.subjects import in_audience

log = structlog.get_logger("worker")
# Identity sees internal ids, as the core does.
_INSIDE = ("core", "identity")
Event = dict[str, Any]

_CLAIM = text(
    "INSERT INTO app.handled_event (id) SELECT unnest(cast(:ids AS text[])) ON CONFLICT DO NOTHING RETURNING id"
)


def make_celery(app: Flask, jobs: Iterable[Job], schedules: Iterable[Schedule]) -> Celery:
    """Return a Celery app whose tasks are the given jobs, each in its own queue."""
    held = list(jobs)
    celery = Celery("suxin", broker=app.config["SETTINGS"].broker_url or "memory://", set_as_current=False)
    celery.conf.update(
        task_serializer="json", accept_content=["json"], task_ignore_result=True, task_acks_late=True,
        task_reject_on_worker_lost=True, worker_prefetch_multiplier=1, worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True, task_default_queue="core", timezone="UTC",
        broker_transport_options={"visibility_timeout": 3600}, worker_send_task_events=False,
        beat_schedule={
            schedule.job: {"task": "core.tick", "schedule": schedule.every_seconds, "args": [schedule.job],
                           "options": {"queue": "core", "expires": schedule.every_seconds}}
            for schedule in schedules
        },
    )  # fmt: skip
    for job in held:
        _bind(celery, app, job)
    _bind_tick(celery, app)
    app.extensions["suxin.jobs"] = {job.name: job for job in held}
    return celery


def queues_of(app: Flask) -> dict[str, str]:
    """Return the queue of every known job."""
    jobs: dict[str, Job] = app.extensions["suxin.jobs"]
    return {name: job.queue for name, job in jobs.items()}


def _bind(celery: Celery, app: Flask, job: Job) -> None:
    def run(task: Any, events: list[Event]) -> None:
        with app.app_context():
            failed = run_events(job, events)
        if failed:
            again = task.request.retries
            raise task.retry(args=[failed], countdown=min(60, 2**again), max_retries=job.retries)

    limits = {"soft_time_limit": job.timeout_seconds, "time_limit": job.timeout_seconds + 10}
    celery.task(run, name=job.name, bind=True, shared=False, **limits)


def _bind_tick(celery: Celery, app: Flask) -> None:
    def tick(name: str) -> None:
        with app.app_context(), acting_as(SYSTEM), unit_of_work():
            enqueue(name)

    celery.task(tick, name="core.tick", shared=False)


def run_events(job: Job, events: Sequence[Event]) -> list[Event]:
    """Run a batch of events; returns those that failed and want another try."""
    if job.batch and _attempt(partial(_run_batch, job, events), job):
        return []
    return [event for event in events if not _attempt(partial(_run_one, job, event), job)]


def _attempt(run: Callable[[], None], job: Job) -> bool:
    try:
        run()
    except Exception as error:
        # The text of an error may quote data of a person; its kind does not.
        log.error("job_failed", job=job.name, kind=type(error).__name__)
        return False
    return True


def _run_batch(job: Job, events: Sequence[Event]) -> None:
    with acting_as(SYSTEM), unit_of_work():
        fresh = _claim([event["id"] for event in events])
        arguments = [event["arguments"] for event in events if event["id"] in fresh and _may_run(job, event)]
        if arguments:
            job.run(arguments)


def _run_one(job: Job, event: Event) -> None:
    with acting_as(_actor(job, event)), unit_of_work():
        if not _claim([event["id"]]) or not _may_run(job, event):
            return
        if job.batch:
            job.run([event["arguments"]])
        else:
            job.run(**event["arguments"])


def _claim(ids: list[str]) -> set[str]:
    return set(session().scalars(_CLAIM, {"ids": ids}))


def _may_run(job: Job, event: Event) -> bool:
    """Tell whether what an event acts under still holds; one that does not is dropped, with an audit line."""
    if job.outlives_withdrawal or still_stands(restored(event["acts_under"])):
        return True
    with acting_as(SYSTEM):
        audit.record("core.job-refused", object=event["id"], outcome="refused", details={"job": job.name})
    return False


def _actor(job: Job, event: Event) -> Principal:
    # A plugin's job speaks of people by the plugin's own subject ids, whoever queued it.
    owner = job.name.partition(".")[0]
    return in_audience(restored(event["acts_under"]), CORE_AUDIENCE if owner in _INSIDE else owner)
