"""The core's own capabilities: which routes and jobs each one brings."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from app.jobs import Job, Schedule


@dataclass(frozen=True, slots=True)
class Capability:
    """One folder of the core; its routes, if any, are mounted at `/api/<name>`."""

    name: str
    blueprint: Any
    jobs: tuple[Job, ...] = ()
    schedule: tuple[Schedule, ...] = ()


NAMES = ("presence", "certificates", "ledger", "matters", "notices")


def load() -> list[Capability]:
    """Return every capability."""
    return [_load(name) for name in NAMES]


def _load(name: str) -> Capability:
    routes, tasks = _part(name, "routes"), _part(name, "tasks")
    return Capability(
        name,
        getattr(routes, "blueprint", None),
        getattr(tasks, "JOBS", ()),
        getattr(tasks, "SCHEDULE", ()),
    )


def _part(name: str, part: str) -> Any:
    wanted = f"app.{name}.{part}"
    try:
        return import_module(wanted)
    except ModuleNotFoundError as missing:
        if missing.name != wanted:
            raise
        return None
