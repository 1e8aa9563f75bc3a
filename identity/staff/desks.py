"""What a desk reaches: by role, by organisation, below an area. A stranger's object is like none at all."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from app.errors import NotFound
from app.principal import Kind, Principal, principal
from identity.parties.models import Organisation
from identity.staff.errors import DeskNeeded

ADMINISTRATOR = "administrator"
WINDOW = "window"
# Further roles are asked for elsewhere: staff checks of presence, searches for doubly enrolled faces.
ROLES = (ADMINISTRATOR, "clients", "devices", "people", WINDOW, "presence-check", "face-dedup")
# GB/T 2260: whoever serves a prefect-level city or more (four digits or fewer) serves what has no place.
_CITY_DIGITS = 4


def need_desk(role: str) -> None:
    """Raise `DeskNeeded` unless the caller sits at a desk of this role or is an administrator."""
    who = principal()
    if not _is_operator(who) and not _desks(who, role):
        raise DeskNeeded(required_roles=[role, ADMINISTRATOR])


def need_administrator() -> None:
    """Raise `DeskNeeded` unless the caller is an administrator or the city's operator."""
    need_desk(ADMINISTRATOR)


def need_reach(role: str, organisation: Organisation | None, *, area: str | None = None) -> None:
    """Raise `NotFound` unless the caller's desk reaches an object of this organisation in this area.

    An administrator reaches every organisation below their area, others only their own.
    """
    need_desk(role)
    who = principal()
    if _is_operator(who):
        return
    place = area or (organisation.area if organisation else "")
    if not any(_reaches(desk, organisation, place) for desk in _desks(who, role)):
        raise NotFound


def reached(role: str, *, area: ColumnElement[str] | Any = Organisation.area) -> ColumnElement[bool]:
    """Return the condition that a query (joined to its organisation) keeps to what the caller reaches."""
    need_desk(role)
    who = principal()
    if _is_operator(who):
        return true()
    return or_(false(), *(_within(desk, area) for desk in _desks(who, role)))


def _within(desk: tuple[str, str, str], area: Any) -> ColumnElement[bool]:
    organisation, role, prefix = desk
    below = area.startswith(prefix, autoescape=True)
    if role != ADMINISTRATOR:
        return and_(Organisation.id == organisation, below)
    return or_(below, Organisation.id.is_(None)) if len(prefix) <= _CITY_DIGITS else below


def _reaches(desk: tuple[str, str, str], organisation: Organisation | None, area: str) -> bool:
    own, role, prefix = desk
    if role == ADMINISTRATOR:
        return area.startswith(prefix) if organisation or area else len(prefix) <= _CITY_DIGITS
    return organisation is not None and organisation.id == own and area.startswith(prefix)


def _desks(who: Principal, role: str) -> list[tuple[str, str, str]]:
    if who.kind is not Kind.OFFICIAL:
        return []
    return [desk for desk in who.desks if desk[1] in (role, ADMINISTRATOR)]


def _is_operator(who: Principal) -> bool:
    # Commands run on the city's own machine, under its operating system's guard.
    return who.kind is Kind.SYSTEM
