"""Types of authorization details (RFC 9396): who owns a type says what fits and how it reads to a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.ports import Port
from app.text import Text

Detail = Mapping[str, Any]


class BadDetail(ValueError):
    """A detail does not fit its type; the text is a fixed reason for developers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailType:
    """One `type`: `check` raises `BadDetail` for what does not fit, `words` are what the person consents to.

    `type` and `locations` are checked by identity; `check` sees the whole
    detail and must refuse members it does not know (RFC 9396, 5).
    """

    check: Callable[[Detail], None]
    words: Callable[[Detail], Text]


detail_types: Port[DetailType] = Port("authorization_details.types")
