"""Load what distributions offer, one by one, so that a broken one harms nobody else."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from importlib.metadata import entry_points as installed_entry_points
from typing import Any

from app.registry.refusal import Refused, Stage, told

GROUP = "suxin.plugins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What one entry point gave: a value, or the refusal that loading it ended in."""

    name: str
    distribution: str
    version: str
    value: Any = None
    refused: Refused | None = None


def find(entry_points: Iterable[EntryPoint] | None = None) -> list[Candidate]:
    """Return every offered plugin, sorted by name and distribution, loaded or refused."""
    offered = installed_entry_points(group=GROUP) if entry_points is None else entry_points
    return sorted((_load(each) for each in offered), key=lambda found: (found.name, found.distribution))


def _load(entry: EntryPoint) -> Candidate:
    name, version = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "unknown")
    try:
        with _real_interrupts() as interrupted:
            value = entry.load()
    except BaseException as error:  # sys.exit and its kin at import are the plugin's fault, not ours
        if interrupted:
            raise
        refused = Refused(Stage.IMPORT, told(error))
        return Candidate(name=entry.name, distribution=name, version=version, refused=refused)
    return Candidate(name=entry.name, distribution=name, version=version, value=value)


@contextmanager
def _real_interrupts() -> Iterator[list[int]]:
    """Tell the operator's Ctrl-C from a KeyboardInterrupt that a plugin raises."""
    seen: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def note(number: int, frame: Any) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)
