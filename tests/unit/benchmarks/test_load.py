"""The generator must feel a stall that a closed loop hides, and must know when not to be believed."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from benchmarks import load
from benchmarks.client import Answer, Target, request_bytes
from benchmarks.histogram import Histogram

T = TypeVar("T")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def _hello(_number: int) -> bytes:
    return request_bytes("GET", "/", {})


class _Clock(selectors.DefaultSelector):
    """A selector that lets time pass instead of waiting for it, so that no other process can be in the way."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout is None:
            return ready or super().select(None)
        self.now += max(0.0, timeout)
        return super().select(0)

    def perf_counter(self) -> float:
        return self.now


class _Loop(asyncio.SelectorEventLoop):
    """An event loop on such a clock."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__(clock)
        self.time = clock.perf_counter  # type: ignore[method-assign]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    made = _Clock()
    monkeypatch.setattr(load, "time", made)
    return made


def _run(clock: _Clock, work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(work)


async def _serve(clock: _Clock, stall_every: float, stall: float) -> tuple[asyncio.Server, Target]:
    start = clock.now

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            into = (clock.now - start) % stall_every
            if into < stall:
                await asyncio.sleep(stall - into)
            await asyncio.sleep(0.001)
            writer.write(ANSWER)

    async def forgiving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(forgiving, "127.0.0.1", 0)
    return server, Target(server.sockets[0].getsockname()[1])


async def _end(server: asyncio.Server) -> None:
    server.close()
    await asyncio.sleep(0.05)


async def _both(clock: _Clock, stall_every: float, stall: float, seconds: float) -> tuple[load.Outcome, load.Outcome]:
    server, target = await _serve(clock, stall_every, stall)
    opened = await load.open_loop(target, rate=80, seconds=seconds, request=_hello)
    closed = await load.closed_loop(target, connections=1, seconds=seconds, request=_hello)
    await _end(server)
    return opened, closed


def test_the_open_loop_sees_a_stalling_server_and_the_closed_loop_control_does_not(clock: _Clock) -> None:
    opened, closed = _run(clock, _both(clock, stall_every=2.0, stall=0.4, seconds=4.0))

    assert opened.errors == 0
    assert opened.sent == 320
    # A fifth of the requests wait uniformly for 0 to 400 ms: p90 is 200 ms, p99 about 380 ms.
    assert 140 < opened.latency.quantile(0.90) < 260
    assert 330 < opened.latency.quantile(0.99) < 440
    assert closed.service.quantile(0.99) < 20


def test_what_the_limit_drops_is_counted_and_makes_the_run_invalid(
    monkeypatch: pytest.MonkeyPatch, clock: _Clock
) -> None:
    monkeypatch.setattr(load, "OPEN_LIMIT", 5)

    opened, _ = _run(clock, _both(clock, stall_every=1.0, stall=0.5, seconds=0.6))

    assert opened.dropped > 0
    assert "dropped" in str(opened.invalid)


def test_a_wrong_body_is_an_error_and_stays_in_the_histogram(clock: _Clock) -> None:
    async def run() -> load.Outcome:
        server, target = await _serve(clock, 1.0, 0.0)
        done = await load.open_loop(
            target, rate=50, seconds=0.2, request=_hello, check=lambda _, answer: answer == Answer(200, b"other")
        )
        await _end(server)
        return done

    outcome = _run(clock, run())

    assert outcome.errors == outcome.sent == len(outcome.latency) == 10


@pytest.mark.parametrize("seconds", [0.000_001, 0.001_234, 0.5, 59.9])
def test_a_latency_is_kept_with_three_digits(seconds: float) -> None:
    held = Histogram()
    held.record(seconds)

    assert held.quantile(0.5) == pytest.approx(seconds * 1000, rel=0.001)
