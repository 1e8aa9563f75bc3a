"""Jobs: what runs after the answer, by the same services, under the same Principal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One named piece of deferred work.

    `run` takes the JSON arguments of one event as keywords and must be
    idempotent in effect: it is called once per event id, in its own unit of
    work, under the Principal that queued it. With `batch` it takes a list of
    such argument mappings instead and runs once per Celery message.

    A job is dropped when whom it acts under may no longer act (a consent
    withdrawn, a person or terminal stopped). `outlives_withdrawal` is for
    what must be finished all the same: undoing a charge, a receipt, an erasure.
    """

    name: str
    run: Callable[..., Any]
    retries: int = 5
    batch: bool = False
    timeout_seconds: int = 60
    outlives_withdrawal: bool = False

    @property
    def queue(self) -> str:
        """The Celery queue: `core`, or `plugin.<owner>` by the name's first word."""
        owner = self.name.partition(".")[0]
        return "core" if owner == "core" else f"plugin.{owner}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Queue a job every so many seconds."""

    job: str
    every_seconds: int
