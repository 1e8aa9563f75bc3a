"""The relay: drains the outbox into Celery and seals the audit trail, one per database."""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from typing import Any

import psycopg
import structlog
from celery import Celery
from flask import Flask
from sqlalchemy import text

from app.db import session, unit_of_work
from app.outbox import CHANNEL
from app.sealing import oldest_unsealed_seconds, seal_due

BATCH = 500
SEAL_EVERY_SECONDS = 1.0
LAG_ALARM_SECONDS = 30
_LOCK = 0x5355_5849  # one relay at a time; a second one waits as a warm spare
log = structlog.get_logger("relay")

_DRAIN = text(
    "DELETE FROM app.outbox_event WHERE position IN"
    " (SELECT position FROM app.outbox_event ORDER BY position LIMIT :batch FOR UPDATE SKIP LOCKED)"
    " RETURNING id, job, arguments, acts_under"
)


def drain(celery: Celery, queues: dict[str, str]) -> int:
    """Publish one batch of events, grouped by job; returns how many left.

    The delete commits after the publish: a crash between them repeats the
    batch and never loses it.
    """
    with unit_of_work():
        rows = session().execute(_DRAIN, {"batch": BATCH}).all()
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            groups[row.job].append({"id": row.id, "arguments": row.arguments, "acts_under": row.acts_under})
        for job, events in groups.items():
            if job not in queues:
                # The plugin is disabled or gone: its events wait in their own queue.
                log.warning("job_unknown", job=job, events=len(events))
            celery.send_task(job, args=[events], queue=queues.get(job, f"plugin.{job.partition('.')[0]}"), retry=False)
    return len(rows)


class Relay:
    """Wakes on NOTIFY, at the latest every second, until it is told to stop."""

    def __init__(self, app: Flask, celery: Celery, queues: dict[str, str], *, url: str) -> None:
        self.app, self.celery, self.queues, self.url = app, celery, queues, url
        self.stopping = threading.Event()
        self.seal_at = 0.0

    def run(self) -> None:
        """Relay until `stopping` is set; an outage is logged and outlived."""
        while not self.stopping.is_set():
            try:
                self._run_connected()
            except Exception as error:
                log.error("relay_interrupted", kind=type(error).__name__)
                self.stopping.wait(1)

    def _run_connected(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as ear:
            if not self._lead(ear):
                return
            ear.execute(f"LISTEN {CHANNEL}")
            while not self.stopping.is_set():
                self._work_off()
                for _ in ear.notifies(timeout=1.0, stop_after=1):
                    pass

    def _lead(self, ear: psycopg.Connection[Any]) -> bool:
        while not self.stopping.wait(0):
            row = ear.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
            if row is not None and row[0]:
                return True
            self.stopping.wait(1)
        return False

    def _work_off(self) -> None:
        with self.app.app_context():
            while not self.stopping.is_set() and drain(self.celery, self.queues) == BATCH:
                pass
            if time.monotonic() >= self.seal_at:
                self.seal_at = time.monotonic() + SEAL_EVERY_SECONDS
                self._seal()

    def _seal(self) -> None:
        with unit_of_work():
            seal_due()
            waiting = oldest_unsealed_seconds()
        if waiting > LAG_ALARM_SECONDS:
            # One long transaction keeps all later leaves open: the operator must find and end it.
            log.warning("audit_sealing_lags", seconds=round(waiting))


def main() -> None:
    """Run the relay of the city that `wsgi` describes, until SIGTERM."""
    from app.worker import queues_of
    from wsgi import application, celery

    url = application.config["SETTINGS"].database_url
    relay = Relay(application, celery, queues_of(application), url=url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: relay.stopping.set())
    relay.run()


if __name__ == "__main__":
    main()
