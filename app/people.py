"""What the core may ask about a person; identity answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from app.ports import Port


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A person's own master data, opened for one stated use: audit every read."""

    party: str
    name: str
    resident_id: str
    mobile: str
    area: str
    birth_date: date
    proofing_level: int

    @property
    def masked_name(self) -> str:
        """The name with all but its first sign starred."""
        return self.name[:1] + "*" * max(1, len(self.name) - 1)

    @property
    def mobile_tail(self) -> str:
        """The last four digits of the mobile number."""
        return self.mobile[-4:]


class PeopleFacts(Protocol):
    """Reads master data of persons."""

    def profile(self, party: str) -> Profile | None:
        """Return a person's data, or None when there is no such active person."""


people: Port[PeopleFacts] = Port("people")
