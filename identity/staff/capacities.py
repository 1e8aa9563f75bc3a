"""Posts a person holds now; read anew for every request, so that an ended one is over at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from app.db import now, session
from identity.parties.models import Organisation, Person
from identity.staff.models import StaffRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """One organisation that a person works for, with the desks they sit at."""

    organisation_id: str
    organisation: str
    desks: tuple[tuple[str, str, str], ...]

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles held there, each once."""
        return tuple(dict.fromkeys(role for _, role, _ in self.desks))


def staff_capacities(person_id: str) -> list[Capacity]:
    """Return what an active person may do for active organisations at this moment."""
    rows = session().execute(_held().where(StaffRole.person_id == person_id))
    return _gathered(rows)


def desks_of(person_id: str, organisation_id: str) -> tuple[tuple[str, str, str], ...]:
    """Return the desks (organisation, role, area) a person sits at for one organisation; none: no official."""
    rows = session().execute(
        _held().where(StaffRole.person_id == person_id, StaffRole.organisation_id == organisation_id)
    )
    return tuple(desk for capacity in _gathered(rows) for desk in capacity.desks)


def in_force() -> ColumnElement[bool]:
    """Return the condition that a staff role counts now."""
    present = now()
    return and_(
        StaffRole.ended_at.is_(None),
        StaffRole.valid_from <= present,
        or_(StaffRole.valid_until.is_(None), StaffRole.valid_until > present),
    )


def _held() -> Any:
    return (
        select(StaffRole.organisation_id, StaffRole.role, StaffRole.area, Organisation.name)
        .join(Organisation, Organisation.id == StaffRole.organisation_id)
        .join(Person, Person.id == StaffRole.person_id)
        .where(in_force(), Organisation.state == "active", Person.state == "active")
        .order_by(Organisation.name, StaffRole.role, StaffRole.area)
    )


def _gathered(rows: Iterable[Any]) -> list[Capacity]:
    found: dict[str, tuple[str, list[tuple[str, str, str]]]] = {}
    for row in rows:
        _, desks = found.setdefault(row.organisation_id, (row.name, []))
        desks.append((row.organisation_id, row.role, row.area))
    return [
        Capacity(organisation_id=key, organisation=name, desks=tuple(desks)) for key, (name, desks) in found.items()
    ]


class Posts:
    """Tells parties who sits at a window where: the answer to their `staff_roles`."""

    def holds(self, person_id: str, role: str, place: str) -> bool:
        """Tell whether a person holds a role whose area covers a place now."""
        held = (desk for capacity in staff_capacities(person_id) for desk in capacity.desks)
        return any(each == role and place.startswith(area) for _, each, area in held)
