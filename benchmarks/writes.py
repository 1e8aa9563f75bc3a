"""An idempotent write with audit line and event, ordinary and compiled, against a plain ORM write."""

from __future__ import annotations

import itertools
import json
import os

from benchmarks import measure
from benchmarks.client import Answer, request_bytes
from benchmarks.measure import Variant
from benchmarks.report import Finding, Part
from benchmarks.world import World, city_server

_BODY = json.dumps({"place": "pharmacy_1", "note": "购药"}).encode()
_numbers = itertools.count()


def run(world: World) -> Part:
    """Measure fresh keys; a replay must give the first answer."""
    token = {"Authorization": f"Bearer {world.token()}", "Content-Type": "application/json"}
    with city_server(world) as ordinary, city_server(world, hot=True) as hot:
        request = _posts("/api/visits", token)
        measure.fetch(hot, request(0))
        again = _post("/api/visits", token, "again")
        _same_answer(hot, again)
        variants = [
            Variant("plain ORM write", ordinary, _posts("/api/plain", token), _is_visit),
            Variant("idempotent + audit + outbox, ordinary", ordinary, request, _is_visit),
            Variant("idempotent + audit + outbox, compiled", hot, request, _is_visit),
        ]
        rows = measure.rounds(variants, postmaster=world.postmaster)
        opened = [measure.latency(variant, rate=100) for variant in variants[1:]]
    found = measure.medians(rows)
    plain, compiled = found["plain ORM write"], found["idempotent + audit + outbox, compiled"]
    kept = found["idempotent + audit + outbox, ordinary"]
    findings = [
        Finding(
            "compiled idempotent write v plain ORM write, server CPU", plain["server_us"] / compiled["server_us"], 3.0
        ),
        Finding("compiled idempotent write v plain ORM write, requests/s", compiled["rps"] / plain["rps"], 3.0),
        Finding("compiled v ordinary idempotent write, server CPU", kept["server_us"] / compiled["server_us"]),
    ]
    return Part(
        "Idempotent write", findings, found, measure.noise(found, "plain ORM write"), opened, [], measure.raw(rows)
    )


def _posts(path: str, headers: dict[str, str]) -> measure.Request:
    return lambda _: _post(path, headers, f"bench-{os.getpid()}-{next(_numbers)}")


def _post(path: str, headers: dict[str, str], key: str) -> bytes:
    return request_bytes("POST", path, {**headers, "Idempotency-Key": key}, _BODY)


def _is_visit(_: int, answer: Answer) -> bool:
    return answer.status == 201 and b'"place":"pharmacy_1"' in answer.body


def _same_answer(server: measure.Server, request: bytes) -> None:
    first, second = measure.fetch(server, request), measure.fetch(server, request)
    if first.status != 201 or first.body != second.body:
        raise RuntimeError(f"a replay differs: {first} {second}")
