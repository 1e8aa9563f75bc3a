"""Runs `prepare` beside the servers' start, and skips it where nothing changed since the last time."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from app.runtime.children import Keeper
from app.runtime.errors import CannotStart
from app.runtime.paths import CLONE

_WATCHED = ("app", "identity", "plugins", "demo")
_SUFFIXES = (".py", ".yaml", ".json", ".sql", ".tsv", ".csv", ".jpg")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the application brings, as far as the supervisor must know it."""

    queues: list[str]
    simulators: list[list[str]]
    failures: list[str]


class Preparation:
    """The `prepare` process under way."""

    def __init__(self, env: Mapping[str, str], keeper: Keeper, log: Path, *, demo: bool) -> None:
        self._keeper, self._log = keeper, log
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.runtime.prepare", *(["--demo"] if demo else [])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(env),
                cwd=CLONE,
                start_new_session=True,
                text=True,
            )
        keeper.watch(self._process.pid, signal.SIGTERM)

    def migrate(self) -> Prepared:
        """Let it migrate, now that the servers answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        facts = self._next("migrated")
        return Prepared(facts["queues"], facts["simulators"], facts["failures"])

    def finish(self) -> None:
        """Wait for the seed."""
        self._next("seeded")
        self.end()

    def end(self) -> None:
        """End the process, at once where it still works."""
        self._process.kill()
        self._process.wait()
        self._keeper.forget(self._process.pid)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _next(self, step: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        facts: dict[str, Any] = json.loads(line) if line else {"step": "failed", "reason": "it ended without a word"}
        if facts["step"] != step:
            self.end()
            raise CannotStart(f"The database cannot be brought up to date: {facts['reason']} (see {self._log}).")
        return facts


def fingerprint(env: Mapping[str, str], cluster: Path) -> str:
    """Return a mark that changes with the code, its data, the plugins, the settings and the cluster."""
    mark = hashlib.sha256()
    for folder in _WATCHED:
        for path in sorted((CLONE / folder).rglob("*")):
            if path.suffix in _SUFFIXES:
                info = path.stat()
                mark.update(f"{path}|{info.st_size}|{info.st_mtime_ns}\n".encode())
    for entry in sorted(entry_points(group="suxin.plugins"), key=lambda each: each.name):
        mark.update(f"{entry.name}|{entry.value}|{entry.dist.version if entry.dist else ''}\n".encode())
    for name in sorted(each for each in env if each.startswith("SUXIN_")):
        mark.update(f"{name}={env[name]}\n".encode())
    info = (cluster / "PG_VERSION").stat()
    mark.update(f"{info.st_ino}|{info.st_ctime_ns}".encode())
    return mark.hexdigest()


def remember(state: Path, mark: str, prepared: Prepared) -> None:
    """Note that all of this mark is migrated and seeded."""
    half = state / "prepared.json.half"
    half.write_text(json.dumps({"mark": mark, "prepared": asdict(prepared)}))
    half.replace(state / "prepared.json")


def recall(state: Path, mark: str) -> Prepared | None:
    """Return what was prepared under this very mark, else nothing."""
    try:
        told = json.loads((state / "prepared.json").read_text())
        return Prepared(**told["prepared"]) if told["mark"] == mark else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
