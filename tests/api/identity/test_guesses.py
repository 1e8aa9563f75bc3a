"""The counters of guesses are taken in one order by all, whether a guess is counted or forgiven."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from app.db import session, unit_of_work
from identity.authenticators import guesses

SOURCE = "192.0.2.7"


def _name() -> str:
    """Return a log-in name whose counter stands before that of the whole source."""
    every = guesses._target(guesses._ANY)
    return next(name for name in (f"name-{number}" for number in range(100)) if guesses._target(name) < every)


def _hold(name: str) -> None:
    wanted = text("SELECT guesses FROM identity.guess_count WHERE target = :target FOR UPDATE")
    assert session().scalar(wanted, {"target": guesses._target(name)}) is not None


def _forgive(city: Flask, name: str) -> None:
    with city.app_context(), unit_of_work():
        guesses.forgive(name, SOURCE)


def _wait_until_blocked(forgiven: Future[None]) -> None:
    blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
    until = time.monotonic() + 20
    while not session().scalar(blocked):
        assert not forgiven.done(), "nobody was waited for"
        assert time.monotonic() < until, "nobody waits"
        time.sleep(0.01)


def _meet(city: Flask) -> None:
    """Count one more guess, counter by counter, while a log-in of before is forgiven."""
    with ThreadPoolExecutor(1) as pool:
        with city.app_context():
            name = _name()
            guesses.admit(name, SOURCE)
            with unit_of_work():
                _hold(name)
                forgiven = pool.submit(_forgive, city, name)
                _wait_until_blocked(forgiven)
                _hold(guesses._ANY)
        forgiven.result(20)


def _deadlocked(city: Flask) -> bool:
    try:
        _meet(city)
    except Exception as error:
        if isinstance(error.__dict__.get("orig", error), psycopg.errors.DeadlockDetected):
            return True
        raise
    return False


def test_counting_and_forgiving_never_wait_for_each_other_in_a_ring(clean_city: Flask) -> None:
    assert not _deadlocked(clean_city)


def test_the_trial_finds_counters_that_are_forgiven_in_no_order(
    clean_city: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guesses, "_HOLD", "select")

    assert _deadlocked(clean_city)
