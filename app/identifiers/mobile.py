"""Mobile numbers of mainland China (11 digits)."""

from __future__ import annotations

import re
from typing import ClassVar

from app.identifiers.shape import Identifier


class MobileNumber(Identifier):
    """An 11-digit mobile number without a country code."""

    __slots__ = ()
    kind: ClassVar[str] = "mobile_number"
    pattern = re.compile(r"1[3-9][0-9]{9}")

    @property
    def tail(self) -> str:
        """The last four digits."""
        return self.text[-4:]
