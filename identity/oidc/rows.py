"""Rows of a one-shot statement as models that belong to no session: to be read, never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import DateTime, LargeBinary

from identity.schema import Base

M = TypeVar("M", bound=Base)
Convert = Callable[[str], Any]


class Reader(Generic[M]):
    """Makes a model of what `to_jsonb` says of its row."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        columns = model.__table__.columns
        found = {column.key: _conversion(column.type) for column in columns}
        self._convert: Mapping[str, Convert] = {key: convert for key, convert in found.items() if convert is not None}

    def one(self, said: str | None) -> M | None:
        """Return the model, None for no row."""
        if said is None:
            return None
        values: dict[str, Any] = orjson.loads(said)
        for key, convert in self._convert.items():
            if values[key] is not None:
                values[key] = convert(values[key])
        return self._model(**values)


def _conversion(kind: object) -> Convert | None:
    if isinstance(kind, DateTime):
        return datetime.fromisoformat
    return _octets if isinstance(kind, LargeBinary) else None


def _octets(said: str) -> bytes:
    # PostgreSQL writes \x and hexadecimal digits (bytea_output is `hex`, its default).
    return bytes.fromhex(said[2:])
