"""One owner of a state folder at a time; others learn from it how to attach."""

from __future__ import annotations

import base64
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.runtime.errors import CannotStart

_PATIENCE_SECONDS = 20.0


@contextmanager
def owned(state: Path) -> Iterator[int]:
    """Hold the lock of a state folder; yields its file descriptor for the keeper.

    Waits while a dead owner's keeper still stops its processes; refuses while
    a living owner serves.
    """
    lock = os.open(state / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(lock, state)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield lock
    finally:
        os.close(lock)


def _acquire(lock: int, state: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode() or "0"
        if alive(int(holder)) or time.monotonic() > deadline:
            raise CannotStart(
                f"Suxin already runs with the state folder {state} (process {holder}): stop it first, or set "
                "SUXIN_STATE_DIR and SUXIN_PORT for a second one."
            )
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """True while a process of this number runs."""
    try:
        return pid > 0 and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def key_file(state: Path) -> Path:
    """Return the file of key-encryption keys, made with one random key on the first start."""
    path = state / "keys"
    if not path.exists():
        half = path.with_name(f"keys.{os.getpid()}")
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"k1:{base64.b64encode(os.urandom(32)).decode()}\n")
            file.flush()
            os.fsync(file.fileno())
        # A link fails where a key exists: a key in use is never replaced.
        with suppress(FileExistsError):
            os.link(half, path)
        half.unlink()
    return path
