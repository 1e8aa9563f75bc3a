"""Who may ask for, and who may approve, a search over all citizens: the seam to the staff's roles.

`identity.dedup_rights`: exactly one `DedupRights`.
"""

from __future__ import annotations

from typing import Protocol

from app.ports import Port
from app.principal import Kind, Principal

ROLE = "face-dedup"


class DedupRights(Protocol):
    """Knows which officials are appointed for de-duplication."""

    def appointed(self, who: Principal) -> bool:
        """Tell whether this official may ask for or approve a search; never both for one search."""


class DeskDedupRights:
    """Reads the appointment from the desk roles that a token carries: (department, area, role)."""

    def appointed(self, who: Principal) -> bool:
        """Tell whether one of the official's desks has the role."""
        return who.kind is Kind.OFFICIAL and any(role == ROLE for _, role, _ in who.desks)


dedup_rights: Port[DedupRights] = Port("identity.dedup_rights")
