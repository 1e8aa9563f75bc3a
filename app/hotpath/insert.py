"""The one statement of a compiled write, for each number of audit lines and events it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.hotpath.statement import Statement
from app.outbox import CHANNEL

_KEY = ("text", "text", "bytea", "smallint", "bytea")
_LINE = ("text", "text", "timestamptz", "bytea")
_EVENT = ("text", "text", "jsonb", "jsonb", "timestamptz")


@dataclass(frozen=True, slots=True)
class Shape:
    """What one write leaves beside its row: whether a key, how many audit lines and events."""

    keyed: bool
    lines: int
    events: int

    def __str__(self) -> str:
        return f"{int(self.keyed)}/{self.lines}/{self.events}"


def insert(name: str, table: sa.Table, shape: Shape) -> Statement:
    """Compile a write; it returns one row, or none where its key was used before or is held right now.

    Parameters in order: of the key scope, key, request hash, status, body and
    lock; the table's columns; each audit line's and each event's columns.
    """
    numbers = count(1)
    parts = [f"key AS ({_key(numbers) if shape.keyed else 'SELECT 1'})"]
    parts.append(_into("made", table.fullname, [column.name for column in table.columns], _types(table), numbers))
    for at in range(shape.lines):
        parts.append(_into(f"line{at}", "app.audit_leaf", ["id", "subject", "at", "body"], _LINE, numbers))
    for at in range(shape.events):
        columns = ["id", "job", "arguments", "acts_under", "created_at"]
        parts.append(_into(f"event{at}", "app.outbox_event", columns, _EVENT, numbers))
    said = f"pg_notify('{CHANNEL}', '')" if shape.events else "1"
    sql = f"WITH {', '.join(parts)} SELECT {said} FROM key"  # noqa: S608 - names from metadata, values as parameters
    return Statement(name.encode(), sql.encode(), (), {})


def _key(numbers: count[int]) -> str:
    values = _values(_KEY, numbers)
    return (
        "INSERT INTO app.idempotency_record (scope, key, request_hash, status, body, headers, created_at)"
        f""" SELECT {values}, '{{"Content-Type": "application/json"}}', now()"""
        f" WHERE pg_try_advisory_xact_lock(${next(numbers)}::bigint) ON CONFLICT DO NOTHING RETURNING 1"
    )


def _into(name: str, table: str, columns: list[str], types: Sequence[str], numbers: count[int]) -> str:
    values = _values(types, numbers)
    return f"{name} AS (INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM key)"  # noqa: S608


def _values(types: Sequence[str], numbers: count[int]) -> str:
    return ", ".join(f"${next(numbers)}::{kind}" for kind in types)


def _types(table: sa.Table) -> list[str]:
    dialect: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
    return [column.type.compile(dialect) for column in table.columns]
