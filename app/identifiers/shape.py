"""What all identifiers share: a checked text that stays out of logs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Self


class BadIdentifier(ValueError):
    """A text is not such an identifier; `reason` never repeats the text."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"{kind}: {reason}")
        self.kind, self.reason = kind, reason


@dataclass(frozen=True, slots=True, repr=False)
class Identifier:
    """A checked identifier. Printing it shows a mask; `reveal()` gives it whole."""

    text: str

    kind: ClassVar[str] = "identifier"
    # `[0-9]`, never `\\d`: the latter takes digits of every script.
    pattern: ClassVar[re.Pattern[str]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the checked value; raises `BadIdentifier`."""
        if not isinstance(text, str) or cls.pattern.fullmatch(text) is None:
            raise BadIdentifier(cls.kind, "wrong length or signs")
        reason = cls.flaw(text)
        if reason is not None:
            raise BadIdentifier(cls.kind, reason)
        return cls(text)

    @classmethod
    def flaw(cls, text: str) -> str | None:
        """Return what is wrong with a text of the right shape, or None."""
        return None

    def reveal(self) -> str:
        """Return the whole identifier; take care where it goes."""
        return self.text

    def __str__(self) -> str:
        keep = 0 if len(self.text) < 8 else 2
        return self.text[:keep] + "*" * (len(self.text) - 2 * keep) + self.text[len(self.text) - keep :]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"
