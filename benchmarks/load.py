"""Load in two kinds: open loop for latencies (a stall is felt by all that were due), closed loop for cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.client import Answer, Connection, Target
from benchmarks.histogram import Histogram

OPEN_LIMIT = 2000
LATE_SECONDS = 0.005
Request = Callable[[int], bytes]
Check = Callable[[int, Answer], bool]


def ok(_number: int, answer: Answer) -> bool:
    """Accept any 200."""
    return answer.status == 200


@dataclass(slots=True)
class Outcome:
    """What a run of load saw; `invalid` names why its latencies must not be believed."""

    sent: int = 0
    errors: int = 0
    dropped: int = 0
    late: int = 0
    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latency: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)

    @property
    def invalid(self) -> str | None:
        """Why the generator, not the server, shaped these figures; None when it did not."""
        if self.dropped:
            return f"{self.dropped} requests dropped by the generator's own limit"
        if self.late > self.sent * 0.01:
            return f"generator woke more than 5 ms late for {self.late} of {self.sent} requests"
        return None

    def note(self, number: int, answer: Answer, check: Check) -> None:
        """Count an answer; a wrong one is an error and stays in the histogram."""
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        self.errors += not check(number, answer)


async def open_loop(
    target: Target, *, rate: float, seconds: float, request: Request, check: Check = ok, timeout: float = 10.0
) -> Outcome:
    """Send request i at t0 + i/rate whatever the server does; latency counts from when it was due."""
    outcome, idle = Outcome(), list[Connection]()
    tasks: set[asyncio.Task[None]] = set()
    start = time.perf_counter() + 0.05
    for number in range(int(rate * seconds)):
        due = start + number / rate
        delay = due - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        outcome.late += time.perf_counter() - due > LATE_SECONDS
        if len(tasks) >= OPEN_LIMIT:
            outcome.dropped += 1
            continue
        outcome.sent += 1
        task = asyncio.create_task(_timed(target, idle, outcome, number, due, request, check, timeout))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(set(tasks))
    outcome.seconds = time.perf_counter() - start
    for connection in idle:
        connection.close()
    return outcome


async def _timed(  # noqa: PLR0917 - one call, made in a tight loop
    target: Target, idle: list[Connection], outcome: Outcome, number: int, due: float,
    request: Request, check: Check, timeout: float,
) -> None:  # fmt: skip
    sent = time.perf_counter()
    connection = None
    try:
        async with asyncio.timeout(timeout):
            connection = idle.pop() if idle else await Connection.open(target)
            answer = await connection.send(request(number))
        outcome.note(number, answer, check)
        idle.append(connection)
    except (OSError, TimeoutError):
        outcome.errors += 1
        if connection is not None:
            connection.close()
    now = time.perf_counter()
    outcome.latency.record(now - due)
    outcome.service.record(now - sent)


async def closed_loop(
    target: Target, *, connections: int, seconds: float, request: Request, check: Check = ok
) -> Outcome:
    """Keep so many connections busy; good for cost per request, never for latency claims."""
    outcome, numbers = Outcome(), iter(range(1 << 60))
    start = time.perf_counter()
    await asyncio.gather(
        *(_busy(target, outcome, numbers.__next__, start + seconds, request, check) for _ in range(connections))
    )
    outcome.seconds = time.perf_counter() - start
    return outcome


async def _busy(  # noqa: PLR0917
    target: Target, outcome: Outcome, next_number: Callable[[], int], end: float, request: Request, check: Check
) -> None:
    connection = await Connection.open(target)
    while (sent := time.perf_counter()) < end:
        number = next_number()
        outcome.sent += 1
        try:
            outcome.note(number, await connection.send(request(number)), check)
        except OSError:
            outcome.errors += 1
            connection = await Connection.open(target)
        outcome.service.record(time.perf_counter() - sent)
    connection.close()
