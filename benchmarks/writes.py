"""Idempotent writes, ordinary and compiled, against a plain ORM write of the same row."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

from benchmarks import measure, named
from benchmarks.client import Answer, request_bytes
from benchmarks.measure import Variant
from benchmarks.report import Finding, Part
from benchmarks.world import World, city_server

THREADS = 2  # the product's own default (SUXIN_CORE_SLOTS)
_VISIT = json.dumps({"place": "pharmacy_1", "note": "购药"}).encode()
_SESSION = json.dumps({"purpose": "health:purchase"}).encode()
_numbers = itertools.count()
KEYED, OPENING = "idempotent + audit + outbox", "presence session"


def run(world: World) -> Part:
    """Measure fresh keys on a kernel route with an event and on a route of the product; a replay must be the same."""
    visits, opened = _visits(world)
    sessions, opened_too = _sessions(world)
    rows = visits + sessions
    found = measure.medians(rows)
    findings = [*_ratios(found, "plain ORM write", KEYED), *_ratios(found, f"{OPENING}, plain ORM write", OPENING)]
    noise = max(measure.noise(found, "plain ORM write"), measure.noise(found, f"{OPENING}, plain ORM write"))
    return Part("Idempotent write", findings, found, noise, opened + opened_too, _notes(found), measure.raw(rows))


def _visits(world: World) -> tuple[list[measure.Row], list[dict[str, Any]]]:
    token = {"Authorization": f"Bearer {world.token()}", "Content-Type": "application/json"}
    with city_server(world, threads=THREADS) as ordinary, city_server(world, hot=True, threads=THREADS) as hot:
        keyed = _posts("/api/visits", token, _VISIT)
        _learnt(hot, keyed(0), _post("/api/visits", token, _VISIT, "again"))
        return _measured(
            world,
            Variant("plain ORM write", ordinary, _posts("/api/plain", token, _VISIT), _is_visit),
            Variant(f"{KEYED}, ordinary", ordinary, keyed, _is_visit),
            Variant(f"{KEYED}, compiled", hot, keyed, _is_visit),
        )


def _sessions(world: World) -> tuple[list[measure.Row], list[dict[str, Any]]]:
    token = {**named.terminal(world, "presence:verify"), "Content-Type": "application/json"}
    product, path = "benchmarks.product", "/api/presence/sessions"
    with (
        city_server(world, threads=THREADS, module=product) as ordinary,
        city_server(world, hot=True, threads=THREADS, module=product) as hot,
    ):
        keyed = _posts(path, token, _SESSION)
        _learnt(hot, keyed(0), _post(path, token, _SESSION, "again"))
        return _measured(
            world,
            Variant(f"{OPENING}, plain ORM write", ordinary, _posts(f"/peer{path[4:]}", token, _SESSION), _is_session),
            Variant(f"{OPENING}, ordinary", ordinary, keyed, _is_session),
            Variant(f"{OPENING}, compiled", hot, keyed, _is_session),
        )


def _measured(world: World, *variants: Variant) -> tuple[list[measure.Row], list[dict[str, Any]]]:
    rows = measure.rounds(list(variants), postmaster=world.postmaster)
    return rows, [measure.latency(variant, rate=100) for variant in variants[1:]]


def _ratios(found: dict[str, dict[str, float]], plain: str, kept: str) -> list[Finding]:
    base, ordinary, compiled = found[plain], found[f"{kept}, ordinary"], found[f"{kept}, compiled"]
    name = f"{kept}: compiled v plain ORM write without key"
    return [
        Finding(f"{name}, server CPU", base["server_us"] / compiled["server_us"], 3.0),
        Finding(f"{name}, requests/s", compiled["rps"] / base["rps"], 3.0),
        Finding(f"{kept}: compiled v ordinary, server CPU", ordinary["server_us"] / compiled["server_us"]),
    ]


def _notes(found: dict[str, dict[str, float]]) -> list[str]:
    held = {kept: found[f"{kept}, compiled"] for kept in (KEYED, OPENING)}
    return [
        f"{THREADS} threads a server, the product's default: one computes while the other waits for the log's flush",
        *(
            f"{kept}, compiled: a call holds its thread for {THREADS * 1e6 / each['rps']:,.0f} us,"
            f" {each['server_us']:,.0f} of them the server's CPU; the rest is PostgreSQL and its flush, which every"
            " variant waits for"
            for kept, each in held.items()
        ),
        "the plain write has neither key, audit line nor event",
    ]


def _posts(path: str, headers: dict[str, str], body: bytes) -> measure.Request:
    return lambda _: _post(path, headers, body, f"bench-{os.getpid()}-{next(_numbers)}")


def _post(path: str, headers: dict[str, str], body: bytes, key: str) -> bytes:
    return request_bytes("POST", path, {**headers, "Idempotency-Key": key}, body)


def _is_visit(_: int, answer: Answer) -> bool:
    return answer.status == 201 and b'"place":"pharmacy_1"' in answer.body


def _is_session(_: int, answer: Answer) -> bool:
    return answer.status == 201 and b'"state":"open"' in answer.body


def _learnt(server: measure.Server, first: bytes, repeated: bytes) -> None:
    # The compiled path learns the fixed headers from an ordinary answer.
    measure.fetch(server, first)
    _same_answer(server, repeated)


def _same_answer(server: measure.Server, request: bytes) -> None:
    first, second = measure.fetch(server, request), measure.fetch(server, request)
    if first.status != 201 or first.body != second.body:
        raise RuntimeError(f"a replay differs: {first} {second}")
