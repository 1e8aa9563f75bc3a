"""Area codes: provinces, cities and counties (GB/T 2260), the city's towns and villages (GB/T 10114)."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import ClassVar

from app.identifiers.shape import Identifier

CITY = "321300"
_LEVELS = {9: "town", 12: "village"}


class AreaCode(Identifier):
    """A place: 6 digits (province, city or county), 9 (town) or 12 (village) of the reference city."""

    __slots__ = ()
    kind: ClassVar[str] = "area_code"
    pattern = re.compile(r"[0-9]{6}(?:[0-9]{3}(?:[0-9]{3})?)?")

    @classmethod
    def flaw(cls, text: str) -> str | None:
        """Return what is wrong: a code that the present table does not hold."""
        return None if text in names() else "no such place"

    @property
    def level(self) -> str:
        """`province`, `city`, `county`, `town` or `village`."""
        if len(self.text) > 6:
            return _LEVELS[len(self.text)]
        return "province" if self.text.endswith("0000") else "city" if self.text.endswith("00") else "county"

    @property
    def name(self) -> str:
        """The place's Chinese name."""
        return names()[self.text]

    @property
    def parent(self) -> AreaCode | None:
        """The next place around this one; None for a province."""
        around = {
            "village": self.text[:9],
            "town": self.text[:6],
            "county": self.text[:4] + "00",
            "city": self.text[:2] + "0000",
        }.get(self.level)
        if around is None:
            return None
        return AreaCode(around)

    def within(self, place: AreaCode) -> bool:
        """Tell whether this place is that one or lies in it."""
        return self.text == place.text or (self.parent is not None and self.parent.within(place))

    def __str__(self) -> str:
        return self.text  # a place is no secret


@cache
def names() -> dict[str, str]:
    """Return every place's name by its code."""
    table = files("app.identifiers").joinpath("data/areas.tsv").read_text("utf-8")
    rows = (line.partition("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {code: name for code, _, name in rows}
