"""The one lane per process on which faces are looked at: beside the requests, behind them in priority, never a crowd.

A decision costs a hundred milliseconds of processor. Left to the request
threads, a few of them would make every other answer wait; here one thread of
low priority takes them in turn, and who would wait too long is told so at once.
Pictures pass by reference within the process: nothing is copied or stored.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_NICE = 5
MOST_WAITING = 8


class Crowded(Exception):
    """More customers wait for a look than are served within a second."""


class Lane:
    """One thread that looks, with a short queue before it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="face", initializer=_yield_to_others)
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    def run(self, look: Callable[[], T]) -> T:
        """Return what `look` returns, or raise what it raises; raises `Crowded` instead of queueing for long."""
        if not self._places.acquire(blocking=False):
            raise Crowded
        try:
            return self._pool.submit(look).result()
        finally:
            self._places.release()


_made = threading.Lock()
_lanes: dict[int, Lane] = {}


def lane() -> Lane:
    """Return this process's lane; a fork gets its own."""
    with _made:
        if os.getpid() not in _lanes:
            _lanes.clear()
            _lanes[os.getpid()] = Lane()
        return _lanes[os.getpid()]


def _yield_to_others() -> None:
    # On Linux priority belongs to the thread; elsewhere the lane simply has none of its own.
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
