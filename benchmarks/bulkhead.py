"""A plugin of 1 s routes with more callers than slots: the core's p99 against its normal."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks import measure
from benchmarks.client import Answer, Target, request_bytes
from benchmarks.load import Outcome, Request, closed_loop, open_loop
from benchmarks.report import Finding, Part
from benchmarks.world import ROWS, World, city_server

SLOTS, CALLERS, RATE, ROUNDS, SECONDS = 2, 12, 100, 4, 3.0


def run(world: World) -> Part:
    """Interleave rounds of the core alone and the core beside a busy slow plugin."""
    token = {"Authorization": f"Bearer {world.token()}"}
    paths = [request_bytes("GET", f"/api/certificates/cert_{1 + n * 7919 % ROWS}/state", token) for n in range(500)]
    rows: list[dict[str, Any]] = []
    with city_server(world, threads=2 + SLOTS) as server:
        for number in range(ROUNDS):
            for variant in ("core alone", "core beside a slow plugin", "core alone (again)"):
                core, slow = asyncio.run(_round(server.target, lambda n: paths[n % 500], slow="slow" in variant))
                rows.append(
                    {"variant": variant, "round": number, "p50_ms": core.latency.quantile(0.5), "p99_ms": core.latency.quantile(0.99),  # noqa: E501
                     "errors": core.errors, "invalid": core.invalid, "plugin_statuses": slow.statuses if slow else {}}
                )  # fmt: skip
    found = {
        name: {"p50_ms": _median(rows, name, "p50_ms"), "p99_ms": _median(rows, name, "p99_ms")}
        for name in dict.fromkeys(r["variant"] for r in rows)
    }
    alone = min(found["core alone"]["p99_ms"], found["core alone (again)"]["p99_ms"])
    ratio = found["core beside a slow plugin"]["p99_ms"] / alone
    refused = sum(row["plugin_statuses"].get(503, 0) for row in rows)
    served = sum(row["plugin_statuses"].get(200, 0) for row in rows)
    noise = abs(found["core alone"]["p99_ms"] - found["core alone (again)"]["p99_ms"]) / found["core alone"]["p99_ms"]
    notes = [
        f"{CALLERS} callers on {SLOTS} slots: {served} calls of 1 s served, {refused} refused with 503",
        f"core at {RATE}/s, open loop",
    ]
    wrong = sum(row["errors"] for row in rows)
    findings = [
        Finding("core p99 beside a slow plugin v normal", ratio, 2.0, at_most=True),
        Finding("wrong answers of the core", wrong, 0, "", at_most=True),
    ]
    return Part("Bulkhead", findings, found, noise, [], notes, rows)


async def _round(target: Target, request: Request, *, slow: bool) -> tuple[Outcome, Outcome | None]:
    core = open_loop(target, rate=RATE, seconds=SECONDS, request=request)
    if not slow:
        return await core, None
    call = request_bytes("GET", "/peer/slow", {})
    plugin = _patient_callers(target, call)
    return tuple(await asyncio.gather(core, plugin))  # type: ignore[return-value]


async def _patient_callers(target: Target, call: bytes) -> Outcome:
    """Call with CALLERS connections; a refused caller waits a tenth of a second, as one told to retry would."""

    def right(_: int, answer: Answer) -> bool:
        return answer.status in (200, 503)

    whole = Outcome()
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS

    async def caller() -> None:
        while loop.time() < end:
            seen = await closed_loop(target, connections=1, seconds=0.001, request=lambda _: call, check=right)
            for status, count in seen.statuses.items():
                whole.statuses[status] = whole.statuses.get(status, 0) + count
            await asyncio.sleep(0.1)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return whole


def _median(rows: list[dict[str, Any]], name: str, figure: str) -> float:
    return measure.median(float(row[figure]) for row in rows if row["variant"] == name)
