"""Audited against unaudited writes: 8 writer processes, with the sealer at work."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from multiprocessing.synchronize import Barrier
from statistics import median

import sqlalchemy as sa
from flask import Flask

from app import audit as trail
from app.db import add, session, unit_of_work
from app.ids import new_id
from app.principal import Kind, Principal, acting_as
from app.sealing import seal_due
from benchmarks.city import Visit, make_app
from benchmarks.report import Finding, Part
from benchmarks.world import PARTY, World

WRITERS, ROUNDS, SECONDS = 8, 6, 1.5
_barrier: Barrier
_app: Flask


def run(world: World) -> Part:
    """Interleave rounds without, with, and again without audit lines."""
    os.environ.update(world.environment)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WRITERS)
    stop = threading.Event()
    sealer = threading.Thread(target=_seal, args=(stop,))
    rows = []
    with context.Pool(WRITERS, _start, (barrier,)) as pool:
        pool.map(_write, [(False, 0.3)] * WRITERS, chunksize=1)
        sealer.start()
        for number in range(ROUNDS):
            for variant in ("unaudited", "audited", "unaudited (again)"):
                done = sum(pool.map(_write, [(variant == "audited", SECONDS)] * WRITERS, chunksize=1))
                rows.append(
                    {"variant": variant, "round": number, "per_second": done / SECONDS, "load": os.getloadavg()[0]}
                )
        stop.set()
        sealer.join()
    found = {name: {"per_second": median(r["per_second"] for r in rows if r["variant"] == name)} for name in
             ("unaudited", "audited", "unaudited (again)")}  # fmt: skip
    plain, again = found["unaudited"]["per_second"], found["unaudited (again)"]["per_second"]
    findings = [
        Finding(
            "audited v unaudited writes, 8 writers, sealer running",
            found["audited"]["per_second"] * 2 / (plain + again),
            0.9,
        )
    ]
    return Part("Audit trail", findings, found, abs(plain - again) / max(plain, again), [], [_sealed()], rows)


def _start(barrier: Barrier) -> None:
    global _app, _barrier
    _app, _barrier = make_app(), barrier


def _write(work: tuple[bool, float]) -> int:
    audited, seconds = work
    who, done = Principal(kind=Kind.CITIZEN, actor=PARTY, party=PARTY), 0
    _barrier.wait()
    end = time.perf_counter() + seconds
    with _app.app_context(), acting_as(who):
        while time.perf_counter() < end:
            with unit_of_work():
                made = add(Visit(id=new_id("visit"), party=PARTY, place="p", note="n"))
                if audited:
                    trail.record("bench.visit", subject=PARTY, object=made.id)
            done += 1
    return done


def _seal(stop: threading.Event) -> None:
    app = make_app()
    while not stop.wait(1):
        with app.app_context(), unit_of_work():
            seal_due()


def _sealed() -> str:
    with make_app().app_context(), unit_of_work():
        total, left = (
            session()
            .execute(sa.text("select count(*), count(*) filter (where head_id is null) from app.audit_leaf"))
            .one()
        )
    return f"{total:,} audit lines written, {left:,} not yet sealed at the end"
