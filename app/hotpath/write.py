"""An idempotent insert in one statement: key, row, audit lines and events, or nothing."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from flask import Flask
from marshmallow import Schema, ValidationError
from sqlalchemy.dialects import postgresql

from app import audit, outbox
from app.db import UnitOfWork
from app.hotpath.statement import Statement
from app.idempotency import scope_of
from app.principal import Principal

View = TypeVar("View", bound=Callable[..., Any])
MOST_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class HotWrite:
    """One new row of `table` from a form; what the ordinary view makes of it, too.

    `make` returns the row's columns and leaves audit lines and events by the
    usual `audit.record` and `enqueue`; it must not query.
    """

    form: type[Schema]
    shown: type[Schema]
    table: sa.Table
    make: Callable[[Principal, Mapping[str, Any]], dict[str, Any]]
    status: int = 201


def hot_write(**declared: Any) -> Callable[[View], View]:
    """Let a POST view below `@idempotent` be answered by one compiled statement."""
    write = HotWrite(**declared)

    def decorate(view: View) -> View:
        view.__hot_write__ = write  # type: ignore[attr-defined]
        return view

    return decorate


def statement(name: str, table: sa.Table) -> Statement:
    """Compile the statement of a table; it returns one row when the key was new.

    The lock is the ordinary path's own (`app.idempotency.hold`), so the two
    paths never work on one key at a time.
    """
    dialect: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
    columns = list(table.columns)
    values = ", ".join(f"${at}::{column.type.compile(dialect)}" for at, column in enumerate(columns, 13))
    # Names come from the table's own metadata, values only as parameters.
    sql = (
        "WITH key AS (INSERT INTO app.idempotency_record (scope, key, request_hash, status, headers, body, created_at)"  # noqa: S608
        ' SELECT $1, $2, $3::bytea, $4::smallint, \'{"Content-Type": "application/json"}\', $5::bytea, now()'
        " WHERE pg_try_advisory_xact_lock($6::bigint) ON CONFLICT DO NOTHING RETURNING 1),"
        f" made AS (INSERT INTO {table.fullname} ({', '.join(column.name for column in columns)})"
        f" SELECT {values} FROM key),"
        " leaf AS (INSERT INTO app.audit_leaf (id, subject, at, body) SELECT l.* FROM key,"
        " unnest($7::text[], $8::text[], $9::timestamptz[], $10::bytea[]) l),"
        " event AS (INSERT INTO app.outbox_event (id, job, arguments, acts_under, created_at)"
        " SELECT e->>0, e->>1, e->2, e->3, now() FROM key, jsonb_array_elements($11::jsonb) e RETURNING 1),"
        " told AS (SELECT pg_notify($12, '') FROM event LIMIT 1)"
        " SELECT (SELECT count(*) FROM told) FROM key"
    )
    order = tuple(f"p{at}" for at in range(1, 13 + len(columns)))
    return Statement(name.encode(), sql.encode(), order, {})


@dataclass(slots=True)
class Intent:
    """A validated request, ready to be written."""

    body: bytes
    values: dict[str, str | None]


def read(environ: dict[str, Any]) -> bytes | None:
    """Return a JSON body and put it back for whoever reads next; None for an unusual one."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdigit() or int(length) > MOST_BYTES or environ.get("CONTENT_TYPE") != "application/json":
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def intent(
    app: Flask, write: HotWrite, who: Principal, environ: dict[str, Any], *, endpoint: str, raw: bytes,
    encode: Callable[[Any], bytes],
) -> Intent | None:  # fmt: skip
    """Return what a request wants written, or None where the ordinary path must say what is wrong."""
    key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable() or " " in key:
        return None
    try:
        form = write.form().load(orjson.loads(raw))
    except (ValueError, ValidationError):
        return None
    gathered = _Gathered(app.extensions["suxin.db"])
    with gathered.open(who):
        row = write.make(who, form)
    body = encode(write.shown().dump(row))
    scope = scope_of(endpoint, who)
    values = [scope, key, _bytea(_hash(environ, raw)), str(write.status), _bytea(body), str(_lock(scope, key))]
    values += [
        *_leaves(gathered),
        _events(gathered),
        outbox.CHANNEL,
        *(_text(row[c.name]) for c in write.table.columns),
    ]
    return Intent(body, {f"p{at}": value for at, value in enumerate(values, 1)})


class _Gathered:
    """A unit of work that only gathers: its audit lines and events are written by our statement."""

    def __init__(self, db: Any) -> None:
        self.work = UnitOfWork(db)

    def open(self, who: Principal) -> Any:
        from contextlib import ExitStack

        from app.db import _current
        from app.principal import acting_as

        stack = ExitStack()
        stack.enter_context(acting_as(who))
        token = _current.set(self.work)
        stack.callback(_current.reset, token)
        return stack

    def rows(self, writer: Any) -> list[Any]:
        return self.work._gathered.get(writer, [])


def _leaves(gathered: _Gathered) -> list[str]:
    rows = gathered.rows(audit._write)
    ids, subjects, ats, bodies = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    return [_array(ids), _array(subjects), _array([at.isoformat() for at in ats]), _array([_bytea(b) for b in bodies])]


def _events(gathered: _Gathered) -> str:
    rows = gathered.rows(outbox._write)
    return "[" + ",".join(f'["{id}","{job}",{arguments},{actor}]' for id, job, arguments, actor in rows) + "]"


def _array(items: list[str | None]) -> str:
    quoted = ("NULL" if item is None else '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items)
    return "{" + ",".join(quoted) + "}"


def _bytea(value: bytes) -> str:
    return "\\x" + value.hex()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _hash(environ: dict[str, Any], raw: bytes) -> bytes:
    parts = (b"POST", environ["PATH_INFO"].encode("latin-1"), environ.get("QUERY_STRING", "").encode(), raw)
    return hashlib.sha256(b"\n".join(hashlib.sha256(part).digest() for part in parts)).digest()


def _lock(scope: str, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{scope}\n{key}".encode()).digest()[:8], "big", signed=True)


def hot_write_of(view: Any) -> HotWrite | None:
    """Return what a Flask view function declares for POST, or None."""
    found = getattr(getattr(getattr(view, "view_class", None), "post", None), "__hot_write__", None)
    return found if isinstance(found, HotWrite) else None
