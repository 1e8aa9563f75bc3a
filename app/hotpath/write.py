"""An idempotent insert in one statement: key, row, audit lines and events, or nothing."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import orjson
import sqlalchemy as sa
from marshmallow import Schema, ValidationError

from app import audit, outbox
from app.db import Database, gathering, now
from app.hotpath.insert import Shape, insert
from app.hotpath.shape import shaper
from app.hotpath.statement import Statement
from app.idempotency import Need, lock_number, scope_of, usable
from app.principal import Principal, acting_as

View = TypeVar("View", bound=Callable[..., Any])
Parameters = list[bytes | None]
MOST_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class HotWrite:
    """One new row of `table` from a form; what the ordinary view makes of it, too.

    `make` returns the row's columns and leaves audit lines and events by the
    usual `audit.record` and `enqueue`; it must not query. `show` makes of the
    row what the schema shows, where that is more than the columns.
    """

    form: type[Schema]
    shown: type[Schema]
    table: sa.Table
    make: Callable[[Principal, Mapping[str, Any]], dict[str, Any]]
    show: Callable[[Mapping[str, Any]], Any] | None = None
    status: int = 201


def hot_write(**declared: Any) -> Callable[[View], View]:
    """Let a POST view below `@idempotent` or `@idempotent_when_asked` be answered by one compiled statement."""
    write = HotWrite(**declared)

    def decorate(view: View) -> View:
        view.__hot_write__ = write  # type: ignore[attr-defined]
        return view

    return decorate


def hot_write_of(view: Any) -> HotWrite | None:
    """Return what a Flask view function declares for POST, or None."""
    found = getattr(getattr(getattr(view, "view_class", None), "post", None), "__hot_write__", None)
    return found if isinstance(found, HotWrite) else None


def read(environ: dict[str, Any]) -> bytes | None:
    """Return a JSON body and put it back for whoever reads next; None for an unusual one."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdigit() or int(length) > MOST_BYTES or environ.get("CONTENT_TYPE") != "application/json":
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


@dataclass(frozen=True, slots=True)
class Intent:
    """A validated request, ready to be written."""

    body: bytes
    statement: Statement
    parameters: Parameters


@dataclass(slots=True)
class Writing:
    """One route's write, with all that is the same for every request made once."""

    db: Database
    write: HotWrite
    endpoint: str
    need: Need
    encode: Callable[[Any], bytes]
    form: Schema = field(init=False)
    dump: Callable[[Any], Any] = field(init=False)
    _statements: dict[Shape, Statement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.form, self.dump = self.write.form(), shaper(self.write.shown())

    def intent(self, who: Principal, environ: dict[str, Any], raw: bytes) -> Intent | None:
        """Return what a request wants written, or None where the ordinary path must say what is wrong."""
        key = environ.get("HTTP_IDEMPOTENCY_KEY")
        if self.need is Need.REQUIRED if key is None else not usable(key):
            return None
        try:
            form = cast(Mapping[str, Any], self.form.load(orjson.loads(raw)))
        except (ValueError, ValidationError):
            return None
        with acting_as(who), gathering(self.db) as gathered:
            row = self.write.make(who, form)
        body = self.encode(self.dump(row if self.write.show is None else self.write.show(row)))
        lines, events = gathered.gathered(audit._write), gathered.gathered(outbox._write)
        parameters = [] if key is None else self._key(who, key, environ, raw, body)
        parameters += [_bytes(row[column.name]) for column in self.write.table.columns]
        parameters += [_bytes(value) for line in lines for value in line]
        at = now().isoformat()
        parameters += [_bytes(value) for event in events for value in (*event, at)]
        shape = Shape(keyed=key is not None, lines=len(lines), events=len(events))
        return Intent(body, self._statement(shape), parameters)

    def _key(self, who: Principal, key: str, environ: dict[str, Any], raw: bytes, body: bytes) -> Parameters:
        # The ordinary path's own scope, hash and lock: the two never work on one key at a time.
        scope = scope_of(self.endpoint, who)
        parts = (b"POST", environ["PATH_INFO"].encode("latin-1"), environ.get("QUERY_STRING", "").encode(), raw)
        asked = hashlib.sha256(b"\n".join(hashlib.sha256(part).digest() for part in parts)).digest()
        said = (scope, key, asked, self.write.status, body, lock_number(scope, key))
        return [_bytes(value) for value in said]

    def _statement(self, shape: Shape) -> Statement:
        if shape not in self._statements:
            self._statements[shape] = insert(f"hot {self.endpoint} {shape}", self.write.table, shape)
        return self._statements[shape]


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    return str(value).encode()
