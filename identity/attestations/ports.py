"""Who may attest where: the seam to the staff's roles.

`identity.attesters`: exactly one `Attesters`.
"""

from __future__ import annotations

from typing import Protocol

from app.ports import Port
from app.principal import Principal

ROLE = "presence-check"


class Attesters(Protocol):
    """Knows which officials may check people at which places."""

    def may_attest(self, who: Principal, *, place: str) -> bool:
        """Tell whether this official may attest at a place (GB/T 2260 area code)."""


class DeskAttesters:
    """Reads the right from the desk roles that a token carries: (department, area, role)."""

    def may_attest(self, who: Principal, *, place: str) -> bool:
        """Tell whether one of the official's desks has the role in an area that holds the place."""
        return any(role == ROLE and place.startswith(_stem(area)) for _, role, area in who.desks)


attesters: Port[Attesters] = Port("identity.attesters")


def _stem(area: str) -> str:
    # 321300 is the whole city, 321302 a district, 321302001000 a street in it.
    return next((area[:digits] for digits in (2, 4, 6, 9) if not area[digits:].strip("0")), area)
