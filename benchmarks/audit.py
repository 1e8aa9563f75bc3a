"""Audited against unaudited writes: 8 writer processes, with the sealer at work."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from multiprocessing.synchronize import Barrier
from statistics import median
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app import audit as trail
from app.db import add, session, unit_of_work
from app.ids import new_id
from app.principal import Kind, Principal, acting_as
from app.sealing import seal_due
from benchmarks import machine
from benchmarks.city import Visit, make_app
from benchmarks.report import Finding, Part
from benchmarks.world import PARTY, World

WRITERS, ROUNDS, SECONDS = 8, 9, 1.0
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
                rows.append(_round(pool, world, variant, number))
        stop.set()
        sealer.join()
    names = ("unaudited", "audited", "unaudited (again)")
    found = {name: {figure: median(float(row[figure]) for row in rows if row["variant"] == name)
                    for figure in ("per_second", "cpu_us")} for name in names}  # fmt: skip
    plain, again = found["unaudited"]["per_second"], found["unaudited (again)"]["per_second"]
    by_round = [[row for row in rows if row["round"] == number] for number in range(ROUNDS)]
    cpu = (found["unaudited"]["cpu_us"] + found["unaudited (again)"]["cpu_us"]) / 2 / found["audited"]["cpu_us"]
    findings = [
        Finding(
            "audited v unaudited writes, 8 writers, sealer running",
            median(two["per_second"] * 2 / (one["per_second"] + three["per_second"]) for one, two, three in by_round),
            0.9,
        ),
        Finding("unaudited v audited, CPU a write (writers, sealer, PostgreSQL)", cpu),
    ]
    return Part(
        "Audit trail",
        findings,
        found,
        abs(plain - again) / max(plain, again),
        [],
        [_sealed(), "the ratio is the median of each round's own ratio; 9 rounds of 1 s a variant"],
        rows,
    )


def _start(barrier: Barrier) -> None:
    global _app, _barrier
    _app, _barrier = make_app(), barrier


def _round(pool: Any, world: World, variant: str, number: int) -> dict[str, Any]:
    before = machine.cpu_seconds(world.postmaster) + time.process_time()
    done = pool.map(_write, [(variant == "audited", SECONDS)] * WRITERS, chunksize=1)
    spent = machine.cpu_seconds(world.postmaster) + time.process_time() - before
    writes, cpu = sum(each[0] for each in done), sum(each[1] for each in done)
    return {
        "variant": variant, "round": number, "per_second": writes / SECONDS,
        "cpu_us": round((cpu + spent) / max(1, writes) * 1e6, 1), "load": os.getloadavg()[0],
    }  # fmt: skip


def _write(work: tuple[bool, float]) -> tuple[int, float]:
    audited, seconds = work
    who, done = Principal(kind=Kind.CITIZEN, actor=PARTY, party=PARTY), 0
    _barrier.wait()
    began, end = time.process_time(), time.perf_counter() + seconds
    with _app.app_context(), acting_as(who):
        while time.perf_counter() < end:
            with unit_of_work():
                made = add(Visit(id=new_id("visit"), party=PARTY, place="p", note="n"))
                if audited:
                    trail.record("bench.visit", subject=PARTY, object=made.id)
            done += 1
    return done, time.process_time() - began


def _seal(stop: threading.Event) -> None:
    app = make_app()
    while not stop.wait(1):
        with app.app_context(), unit_of_work():
            seal_due()


_COUNT = (
    "select count(*), count(*) filter (where xid >= (select coalesce(max(until_xid), 0) from app.audit_head))"
    " from app.audit_leaf"
)


def _sealed() -> str:
    with make_app().app_context(), unit_of_work():
        total, left = session().execute(sa.text(_COUNT)).one()
    return f"{total:,} audit lines written, {left:,} not yet sealed at the end"
