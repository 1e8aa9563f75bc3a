"""Which insurer this city talks to: the real one by URL, the simulator by its socket."""

from __future__ import annotations

from flask import current_app

from app.api import settings_of
from plugins.health.insurer import Insurer
from plugins.health.insurer.national import NationalInsurer

_KEY = "health.insurers"
JOB_WAIT_SECONDS = 5.0


def insurer(*, patient: bool = False) -> Insurer:
    """Return the insurer; a patient one (for jobs) waits longer than a queue of customers can."""
    held: dict[bool, Insurer] = current_app.extensions.setdefault(_KEY, {})
    if patient not in held:
        settings = settings_of("health")
        held[patient] = NationalInsurer(
            settings["insurer_url"] or settings["insurer_socket"] or "/nonexistent/insurer.sock",
            wait_seconds=JOB_WAIT_SECONDS if patient else int(settings["answer_within_ms"]) / 1000,
            fund_includes_account=settings["fund_includes_account"] == "1",
        )
    return held[patient]


def deadline_seconds() -> int:
    """Return how long after sending a settlement may still arrive at the insurer."""
    return int(settings_of("health")["settle_deadline_seconds"])


def probe() -> None:
    """Raise unless an insurer is named; whether it answers shows at the till and never takes the city down."""
    settings = settings_of("health")
    if not settings["insurer_url"] and not settings["insurer_socket"]:
        raise RuntimeError("no insurer is named: set SUXIN_HEALTH_INSURER_URL")
