"""The core's own capabilities: which routes and jobs each one brings."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from app.jobs import Job, Schedule


@dataclass(frozen=True, slots=True)
class Capability:
    """One folder of the core, mounted at `/api/<name>`."""

    name: str
    blueprint: Any
    jobs: tuple[Job, ...] = ()
    schedule: tuple[Schedule, ...] = ()


NAMES = ("presence", "certificates", "matters", "notices")


def load() -> list[Capability]:
    """Return every capability."""
    return [_load(name) for name in NAMES]


def _load(name: str) -> Capability:
    routes = import_module(f"app.{name}.routes")
    try:
        tasks: Any = import_module(f"app.{name}.tasks")
    except ModuleNotFoundError as missing:
        if missing.name != f"app.{name}.tasks":
            raise
        return Capability(name, routes.blueprint)
    return Capability(name, routes.blueprint, tasks.JOBS, getattr(tasks, "SCHEDULE", ()))
