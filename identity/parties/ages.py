"""How old somebody is on a day: never stored, always computed from the birth date in the resident number."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

_CHINA = ZoneInfo("Asia/Shanghai")
GUARDIAN_ACTS_UNTIL, SUPERVISED_UNTIL = 14, 18


class Stage(StrEnum):
    """What the law lets a person do alone (Decree 173, 5): nothing below 14, under supervision below 18."""

    CHILD = "child"
    MINOR = "minor"
    ADULT = "adult"


def today() -> date:
    """Return the city's date."""
    return datetime.now(_CHINA).date()


def age(born: date, on: date) -> int:
    """Return full years; one born on 29 February is a year older on 1 March of other years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def stage(born: date, *, on: date | None = None) -> Stage:
    """Return a person's stage on a day, else today."""
    years = age(born, on or today())
    if years < GUARDIAN_ACTS_UNTIL:
        return Stage.CHILD
    return Stage.MINOR if years < SUPERVISED_UNTIL else Stage.ADULT
