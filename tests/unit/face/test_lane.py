"""Faces are looked at one after another, at low priority; a crowd is told at once."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from identity.face import lane as lanes
from identity.face.lane import MOST_WAITING, Crowded, Lane, lane


def test_looks_follow_one_another_on_a_thread_of_low_priority() -> None:
    own = Lane()

    def look() -> tuple[int, int]:
        return threading.get_ident(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    threads, priorities = zip(*(own.run(look) for _ in range(3)), strict=True)
    assert len(set(threads)) == 1
    assert min(priorities) > os.getpriority(os.PRIO_PROCESS, 0) or min(priorities) == 19


def test_what_a_look_raises_reaches_its_customer() -> None:
    with pytest.raises(ZeroDivisionError):
        Lane().run(lambda: 1 / 0)


def test_a_crowd_is_turned_away_and_the_place_is_free_again() -> None:
    own, go, began = Lane(), threading.Event(), threading.Semaphore(0)

    def wait() -> bool:
        began.release()
        return own.run(go.wait)

    with ThreadPoolExecutor(MOST_WAITING) as customers:
        waiting = [customers.submit(wait) for _ in range(MOST_WAITING)]
        for _ in waiting:
            assert began.acquire(timeout=5)
        while own._places._value:
            go.wait(0.001)
        with pytest.raises(Crowded):
            own.run(lambda: None)
        go.set()
        assert all(each.result(5) for each in waiting)

    assert own.run(lambda: "served") == "served"


def test_a_process_has_one_lane_and_a_fork_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before, parent = lane(), os.getpid()
    assert lane() is before

    monkeypatch.setattr(lanes.os, "getpid", lambda: parent + 1)

    assert lane() is not before
