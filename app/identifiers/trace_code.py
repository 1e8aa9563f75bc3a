"""Drug traceability codes: one per package, scanned before settlement."""

from __future__ import annotations

import re
from typing import ClassVar

from app.identifiers.shape import Identifier


class TraceCode(Identifier):
    """A 20-digit code that begins with 8, as the national platform's filter wants it."""

    __slots__ = ()
    kind: ClassVar[str] = "trace_code"
    pattern = re.compile(r"8[0-9]{19}")
