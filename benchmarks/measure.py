"""Interleaved rounds: A B A B ..., medians, and A against A as the noise floor."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from benchmarks import machine
from benchmarks.client import Answer, Connection
from benchmarks.load import Check, Request, closed_loop, ok, open_loop
from benchmarks.world import Server

ROUNDS = 4


@dataclass(slots=True)
class Row:
    """One round of one variant."""

    variant: str
    round: int
    rps: float
    server_us: float
    postgres_us: float
    p99_ms: float
    errors: int
    load: float

    @property
    def total_us(self) -> float:
        return self.server_us + self.postgres_us


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to answer: where, with what, and how to tell that the answer is right.

    `store` is the process of the database it stands on, where that is not the run's PostgreSQL.
    """

    name: str
    server: Server
    request: Request
    check: Check = ok
    store: int | None = None


def rounds(variants: list[Variant], *, postmaster: int, seconds: float = 1.0, connections: int = 8) -> list[Row]:
    """Measure all variants in turn, ROUNDS times, after one warm-up; the first variant runs twice per round."""
    order = [replace(variants[0], name=variants[0].name + " (again)")]
    order = [*variants, *order]
    for variant in variants:
        _one(variant, postmaster, -1, 0.3, connections)
    return [_one(variant, postmaster, number, seconds, connections) for number in range(ROUNDS) for variant in order]


def _one(variant: Variant, postmaster: int, number: int, seconds: float, connections: int) -> Row:
    store = variant.store or postmaster
    before = machine.cpu_seconds(variant.server.pid), machine.cpu_seconds(store)
    seen = asyncio.run(
        closed_loop(
            variant.server.target,
            connections=connections,
            seconds=seconds,
            request=variant.request,
            check=variant.check,
        )
    )
    after = machine.cpu_seconds(variant.server.pid), machine.cpu_seconds(store)
    good = max(1, seen.sent)
    if seen.errors:
        raise RuntimeError(f"{variant.name}: {seen.errors} wrong answers of {seen.sent}: {seen.statuses}")
    return Row(
        variant.name, number, round(seen.sent / seen.seconds, 1), round((after[0] - before[0]) / good * 1e6, 1),
        round((after[1] - before[1]) / good * 1e6, 1), round(seen.service.quantile(0.99), 2), seen.errors, os.getloadavg()[0],  # noqa: E501
    )  # fmt: skip


def latency(variant: Variant, *, rate: float, seconds: float = 4.0) -> dict[str, Any]:
    """Return open-loop latencies at a rate that the variant can hold."""
    seen = asyncio.run(
        open_loop(variant.server.target, rate=rate, seconds=seconds, request=variant.request, check=variant.check)
    )
    return {
        "variant": variant.name, "rate": rate, "p50_ms": seen.latency.quantile(0.5), "p99_ms": seen.latency.quantile(0.99),  # noqa: E501
        "errors": seen.errors, "invalid": seen.invalid,
    }  # fmt: skip


def fetch(server: Server, request: bytes) -> Answer:
    """Return one answer."""

    async def once() -> Answer:
        connection = await Connection.open(server.target)
        answer = await connection.send(request)
        connection.close()
        return answer

    return asyncio.run(once())


def medians(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Return the median of every figure for each variant."""
    names = list(dict.fromkeys(row.variant for row in rows))
    return {
        name: {
            figure: median(getattr(row, figure) for row in rows if row.variant == name)
            for figure in ("rps", "server_us", "postgres_us", "total_us", "p99_ms")
        }
        for name in names
    }


def noise(found: dict[str, dict[str, float]], name: str, figure: str = "total_us") -> float:
    """Return how far A and A differ, as a share."""
    first, again = found[name][figure], found[name + " (again)"][figure]
    return abs(first - again) / max(first, 1e-9)


def raw(rows: list[Row]) -> list[dict[str, Any]]:
    """Return rows as JSON values."""
    return [asdict(row) for row in rows]
