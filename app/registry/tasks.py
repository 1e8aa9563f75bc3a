"""The jobs and schedules that mounted plugins bring, for the worker to bind."""

from __future__ import annotations

from app.jobs import Job, Schedule
from app.registry.mount import Registry


def jobs(registry: Registry) -> dict[str, Job]:
    """Return every plugin's job by name; the contract made the names distinct."""
    found = [job for plugin in registry.mounted for job in plugin.tasks]
    named = {job.name: job for job in found}
    if len(named) != len(found):
        raise ValueError("two plugins bring a task of the same name")
    return named


def schedules(registry: Registry) -> list[Schedule]:
    """Return every plugin's schedule."""
    return [schedule for plugin in registry.mounted for schedule in plugin.schedule]
