"""What identity asks of a mobile operator: one narrow call, so that the real one touches no other file."""

from __future__ import annotations

from typing import Protocol, cast

from flask import current_app

from app.config import Settings
from app.ports import Port


class NotSent(Exception):
    """The operator did not take the message; asking again later may help."""


class Operator(Protocol):
    """Delivers text messages within a few seconds, or says that it did not."""

    def send(self, mobile: str, text: str) -> None:
        """Hand over one message; raises `NotSent`. Every implementation has a time-out of its own."""


operator: Port[Operator] = Port("identity.sms_operator")


SIMULATOR = "simulator"


def chosen() -> Operator | None:
    """Return the city's operator; the simulated one only in the demo, and only without a real one."""
    bound = operator.all()
    simulated = bound.pop(SIMULATOR, None)
    if bound:
        return next(iter(bound.values()))
    return simulated if cast(Settings, current_app.config["SETTINGS"]).demo else None


def offered() -> bool:
    """Tell whether this city can send messages at all."""
    return chosen() is not None
