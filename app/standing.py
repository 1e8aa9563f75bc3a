"""Whether a job's Principal may still act when the job runs; identity registers who can tell."""

from __future__ import annotations

from collections.abc import Callable

from app.ports import Port
from app.principal import Principal

standing: Port[Callable[[Principal], bool]] = Port("standing")


def still_stands(who: Principal) -> bool:
    """Tell whether nobody who can tell objects to this Principal acting now."""
    return all(holds(who) for holds in standing.all().values())
