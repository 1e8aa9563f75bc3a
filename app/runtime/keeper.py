"""Stops what the supervisor started once the supervisor is gone, also by SIGKILL.

Run as a script of its own (standard library only, so it starts at once): it
reads `watch <pid> <start time> <signal>` and `forget <pid>` lines from a pipe
that the supervisor holds. At its end it stops what is left, newest first. It
holds the owner's lock meanwhile, so the next start waits for it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

_PATIENCE_SECONDS = 8.0


def start_time(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; empty when it is gone.

    With the pid it names a process for good: pids are used again.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            words = file.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if words[0] in "ZX" else words[19]


def stop(pid: int, started: str, how: int, patience: float = _PATIENCE_SECONDS) -> None:
    """Ask a process group's leader to end, then end whatever is left of the group."""
    if start_time(pid) not in ("", started):
        return  # the number was used again: that is a stranger
    if start_time(pid) == started:
        _signal(os.kill, pid, how)
        deadline = time.monotonic() + patience
        while start_time(pid) == started and time.monotonic() < deadline:
            time.sleep(0.02)
    _signal(os.killpg, pid, signal.SIGKILL)


def _signal(send: Callable[[int, int], None], pid: int, how: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        send(pid, how)


def main() -> None:
    """Keep the list until the pipe closes, then stop what is on it."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(each, signal.SIG_IGN)
    watched: dict[int, tuple[str, int]] = {}
    for line in sys.stdin:
        word, pid, *rest = line.split()
        if word == "watch":
            watched[int(pid)] = (rest[0], int(rest[1]))
        else:
            watched.pop(int(pid), None)
    for number, (started, how) in reversed(watched.items()):
        if start_time(number) == started:
            _signal(os.kill, number, how)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for number, (started, _) in reversed(watched.items()):
        stop(number, started, 0, max(0.0, deadline - time.monotonic()))


if __name__ == "__main__":
    main()
