"""Area codes (GB/T 2260, GB/T 10114): the reference city, its counties, towns and villages."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import ClassVar

from app.identifiers.shape import Identifier

CITY = "321300"
_LEVELS = {6: "county", 9: "town", 12: "village"}


class AreaCode(Identifier):
    """A place of the city: 6 digits (city or county), 9 (town) or 12 (village)."""

    __slots__ = ()
    kind: ClassVar[str] = "area_code"
    pattern = re.compile(r"[0-9]{6}(?:[0-9]{3}(?:[0-9]{3})?)?")

    @classmethod
    def flaw(cls, text: str) -> str | None:
        """Return what is wrong: only places of this city are known."""
        return None if text in names() else "not a place of this city"

    @property
    def level(self) -> str:
        """`city`, `county`, `town` or `village`."""
        return "city" if self.text == CITY else _LEVELS[len(self.text)]

    @property
    def name(self) -> str:
        """The place's Chinese name."""
        return names()[self.text]

    @property
    def parent(self) -> AreaCode | None:
        """The place around this one; None for the city."""
        if self.text == CITY:
            return None
        return AreaCode(CITY if len(self.text) == 6 else self.text[:-3])

    def __str__(self) -> str:
        return self.text  # a place is no secret


@cache
def names() -> dict[str, str]:
    """Return every place's name by its code."""
    table = files("app.identifiers").joinpath("data/areas.tsv").read_text("utf-8")
    rows = (line.partition("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {code: name for code, _, name in rows}
