"""Does what a job acts under still hold when it runs? Identity answers."""

from __future__ import annotations

from typing import Protocol

from app.ports import Port
from app.principal import Principal


class Standing(Protocol):
    """Knows parties, and what one may do for another."""

    def holds(self, who: Principal) -> bool:
        """Tell whether this Principal may act at this moment: parties active, evidence in force."""


standing: Port[Standing] = Port("standing")


def holds(who: Principal) -> bool:
    """Tell whether a stored Principal may still act; without identity nobody doubts it."""
    return all(each.holds(who) for each in standing.all().values())
