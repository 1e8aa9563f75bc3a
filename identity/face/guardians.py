"""Who may consent for a child: the seam to guardianship.

`identity.face_guardians`: exactly one `Guardians`.
"""

from __future__ import annotations

from typing import Protocol

from app.ports import Port
from app.principal import Principal


class Guardians(Protocol):
    """Knows whether somebody acts as a child's guardian."""

    def consents_for(self, who: Principal, child: str) -> bool:
        """Tell whether this Principal is the child's guardian, on evidence in force."""


class ActingGuardians:
    """Believes a Principal that acts for the child as its guardian; who issued it checked the evidence."""

    def consents_for(self, who: Principal, child: str) -> bool:
        """Tell whether somebody else acts for the child, as guardian."""
        capacity = getattr(who, "capacity", None)
        return who.acting_for == child and who.actor != child and capacity == "guardian"


guardians: Port[Guardians] = Port("identity.face_guardians")
