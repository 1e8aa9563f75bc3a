"""Cursor pages: stable under inserts, opaque to the caller, cheap at any depth."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson
from marshmallow import Schema, fields, validate
from sqlalchemy import Select, tuple_

from app.crypto import derive
from app.db import session
from app.errors import InvalidRequest
from app.text import Text

T = TypeVar("T")
MOST = 100


class BadCursor(InvalidRequest):
    title = Text("翻页游标无效", "The cursor is not one of ours")
    next_step = Text("请从第一页重新开始", "Start again from the first page")


class PageArgs(Schema):
    """Query arguments of a collection."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=500))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, MOST))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items and, unless they are the last, the cursor of what follows."""

    items: list[T]
    next_cursor: str | None


def paged(item: type[Schema]) -> type[Schema]:
    """Return the schema of a page of items."""
    name = item.__name__.removesuffix("Schema") + "Page"
    return type(name, (Schema,), {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(required=True, allow_none=True),
    })  # fmt: skip


def page(query: Select[T], *, key: Sequence[Any], cursor: str | None, limit: int, newest_first: bool = True) -> Page[T]:
    """Return one page of a query, ordered by `key` (which must be unique as a whole)."""
    columns = tuple_(*key)
    if cursor is not None:
        after = tuple_(*_opened(cursor, len(key)))
        query = query.where(columns < after if newest_first else columns > after)
    order = [column.desc() if newest_first else column.asc() for column in key]
    rows: list[T] = list(session().scalars(query.order_by(*order).limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, _sealed([getattr(rows[-1], column.key) for column in key]) if more else None)


def _sealed(values: list[Any]) -> str:
    body = orjson.dumps([{"t": v.isoformat()} if isinstance(v, datetime) else v for v in values])
    return base64.urlsafe_b64encode(_mac(body) + body).decode().rstrip("=")


def _opened(cursor: str, width: int) -> list[Any]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise BadCursor() from None
    if len(raw) < 17 or not hmac.compare_digest(raw[:16], _mac(raw[16:])):
        raise BadCursor()
    values = [datetime.fromisoformat(v["t"]) if isinstance(v, dict) else v for v in orjson.loads(raw[16:])]
    if len(values) != width:
        raise BadCursor()
    return values


def _mac(body: bytes) -> bytes:
    return hmac.digest(derive("paging"), body, hashlib.sha256)[:16]
