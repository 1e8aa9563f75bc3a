"""Child processes that never outlive their owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.runtime import keeper
from app.runtime.account import Account


class Keeper:
    """The process that stops our children should we die first."""

    def __init__(self, hold: int | None = None) -> None:
        """Start it; `hold` is a file descriptor (the owner's lock) it keeps open until all is stopped."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[hold] if hold is not None else [],
            start_new_session=True,
            cwd="/",
        )

    def watch(self, pid: int, how: signal.Signals) -> None:
        """Have a child stopped by this signal when we are gone."""
        self._tell(f"watch {pid} {keeper.start_time(pid) or '-'} {int(how)}\n")

    def forget(self, pid: int) -> None:
        """Take back `watch`: the child has ended."""
        self._tell(f"forget {pid}\n")

    def close(self) -> None:
        """Let the keeper stop what is still watched, and end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)

    def _tell(self, line: str) -> None:
        pipe = self._process.stdin
        if pipe is not None and not pipe.closed:
            pipe.write(line.encode())
            pipe.flush()


@dataclass(slots=True)
class Child:
    """One running process, leader of its own group, with its log file."""

    name: str
    process: subprocess.Popen[bytes]
    keeper: Keeper
    how: signal.Signals
    log: Path

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return self.process.poll() is None

    def ask(self) -> None:
        """Ask it to end, and do not wait."""
        if self.running:
            self.process.send_signal(self.how)

    def stop(self, patience: float = 10.0) -> None:
        """Ask it to end, wait, then end it and all it started."""
        if self.running:
            self.ask()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=patience)
        self.collect()

    def collect(self) -> None:
        """End what is left of its group once the leader is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.keeper.forget(self.process.pid)

    def last_words(self, lines: int = 12) -> str:
        """Return the end of its log."""
        try:
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""


def launch(
    name: str,
    command: Sequence[str | Path],
    *,
    keeper: Keeper,
    log: Path,
    env: Mapping[str, str],
    cwd: Path,
    how: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
) -> Child:
    """Start a process whose output goes to a log file and who dies with us."""
    with _fresh_log(log) as out:
        process = subprocess.Popen(
            [os.fspath(each) for each in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            **(account.popen_arguments() if account else {}),
        )
    keeper.watch(process.pid, how)
    return Child(name, process, keeper, how, log)


def _fresh_log(path: Path, limit: int = 5_000_000) -> IO[bytes]:
    """Open a log for appending; a long one is moved aside first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > limit:
        path.replace(path.with_suffix(".1.log"))
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
