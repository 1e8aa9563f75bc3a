"""Which official holds which role where: asked of whoever administers roles."""

from __future__ import annotations

from typing import Protocol

from app.ports import Port


class StaffRoles(Protocol):
    """Knows the roles of window staff."""

    def holds(self, person_id: str, role: str, place: str) -> bool:
        """Tell whether a person holds a role at a place now."""


WINDOW = "window"
staff_roles: Port[StaffRoles] = Port("identity.staff_roles")


def holds_role(person_id: str, role: str, place: str) -> bool:
    """Tell whether a person holds a role at a place; where nobody administers roles, nobody does."""
    return any(each.holds(person_id, role, place) for each in staff_roles.all().values())
