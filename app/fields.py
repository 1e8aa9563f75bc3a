"""Fields of the API that refuse what only looks right: money, times, identifiers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import current_app, has_app_context
from marshmallow import fields

from app import identifiers
from app.identifiers import BadIdentifier

Messages = dict[str, str | list[Any] | dict[Any, Any]]
# Above this, JSON numbers are not exact everywhere (RFC 8259, 6).
MOST_FEN = 2**53 - 1
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Fen(fields.Integer):
    """Money in fen: a JSON integer and nothing that could be read as one."""

    default_error_messages: Messages = {  # noqa: RUF012 - as marshmallow declares it
        "fen": "Send a whole number of fen as a JSON integer.",
        "range": "The amount is out of range.",
    }

    def __init__(self, *, minimum: int = 0, maximum: int = MOST_FEN, **options: Any) -> None:
        options["metadata"] = {
            "format": "int64", "minimum": minimum, "maximum": maximum, **options.get("metadata", {}),
        }  # fmt: skip
        super().__init__(strict=True, **options)
        self.minimum = minimum
        self.maximum = min(maximum, MOST_FEN)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:  # True is an int, too, and 1.0 an integer to JSON Schema
            raise self.make_error("fen")
        if not self.minimum <= value <= self.maximum:
            raise self.make_error("range")
        return value


class Instant(fields.AwareDateTime):
    """A moment with its offset (RFC 3339), held in UTC."""

    default_error_messages: Messages = {  # noqa: RUF012 - as marshmallow declares it
        "instant": "Send a time with its offset as RFC 3339 says.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", default_timezone=None, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
            raise self.make_error("instant")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("instant") from None


class _Identifier(fields.String):
    """A text that becomes a checked identifier; the answer shows the plain number."""

    default_error_messages: Messages = {"identifier": "Not a valid {kind}: {reason}."}  # noqa: RUF012

    def _parse(self, text: str) -> Any:
        raise TypeError("an identifier field names its identifier")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self._parse(value)
        except BadIdentifier as bad:
            raise self.make_error("identifier", kind=bad.kind, reason=bad.reason) from None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        reveal: Callable[[], str] | None = getattr(value, "reveal", None)
        return super()._serialize(reveal() if reveal else value, attr, obj, **kwargs)


class Resident(_Identifier):
    """A resident ID; the area of invented people is let in by the demo world only."""

    def _parse(self, text: str) -> identifiers.ResidentId:
        demo = has_app_context() and bool(current_app.config["SETTINGS"].demo)
        return identifiers.ResidentId.parse(text, demo=demo)


class Credit(_Identifier):
    """A unified social credit code."""

    def _parse(self, text: str) -> identifiers.CreditCode:
        return identifiers.CreditCode.parse(text)


class Area(_Identifier):
    """A known area."""

    def _parse(self, text: str) -> identifiers.AreaCode:
        return identifiers.AreaCode.parse(text)


class Mobile(_Identifier):
    """A mobile number."""

    def _parse(self, text: str) -> identifiers.MobileNumber:
        return identifiers.MobileNumber.parse(text)


class Trace(_Identifier):
    """A drug traceability code."""

    def _parse(self, text: str) -> identifiers.TraceCode:
        return identifiers.TraceCode.parse(text)
