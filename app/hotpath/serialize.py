"""Turn a libpq text row into what `schema.dump` gives for the same row of the ORM."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from marshmallow import Schema, fields, missing

from app.crypto import Vault
from app.fields import Instant
from app.hotpath.declare import Show
from app.hotpath.shape import shape_of, shaper
from app.principal import ANONYMOUS, Principal

Raw = bytes | None
Convert = Callable[[bytes], Any]
Dump = Callable[[Sequence[Raw], Principal], Any]


class CannotCompile(TypeError):
    """A hot read asks for a column or field that has no exact compiled form."""


def _text(raw: bytes) -> str:
    return raw.decode()


def _flag(raw: bytes) -> bool:
    return raw == b"t"


def _instant(raw: bytes) -> datetime:
    return datetime.fromisoformat(raw.decode())


def _date(raw: bytes) -> date:
    return date.fromisoformat(raw.decode())


def _uuid(raw: bytes) -> UUID:
    return UUID(raw.decode())


def _decimal(raw: bytes) -> Decimal:
    return Decimal(raw.decode())


def _bytes(raw: bytes) -> bytes:
    if not raw.startswith(b"\\x"):
        raise ValueError("bytea is not in hex")
    return bytes.fromhex(raw[2:].decode())


def iso_instant(raw: bytes) -> str:
    """Return PostgreSQL's text of a timestamptz in UTC as `datetime.isoformat` writes it."""
    if len(raw) == 22 and raw[10] == 32:
        return f"{raw[:10].decode()}T{raw[11:].decode()}:00"
    return datetime.fromisoformat(raw.decode()).isoformat()


# Order matters: the first kind that fits decides (JSON, Enum and Boolean are special cases of others).
_DECODERS: tuple[tuple[type[Any], Convert], ...] = (
    (sa.JSON, json.loads),
    (sa.Boolean, _flag),
    (sa.DateTime, _instant),
    (sa.Date, _date),
    (sa.Uuid, _uuid),
    (sa.Integer, int),
    (sa.Numeric, _decimal),
    (sa.String, _text),
    (sa.LargeBinary, _bytes),
)

# What these fields do to these columns is known to be no more than the decoder: no call per value is needed.
_PLAIN: dict[tuple[type[Any], Convert], Convert] = {
    (fields.String, _text): _text,
    (fields.Integer, int): int,
    (fields.Boolean, _flag): _flag,
    (fields.Raw, json.loads): json.loads,
    (fields.Raw, _text): _text,
    (fields.DateTime, _instant): iso_instant,
    (fields.AwareDateTime, _instant): iso_instant,
    (Instant, _instant): iso_instant,
}


class _Row(dict[str, Any]):
    """A row that marshmallow reads by key and its Method fields by attribute."""

    __getattr__ = dict.__getitem__


def decoder(column: sa.ColumnElement[Any]) -> Convert:
    """Return what turns a column's text into the ORM's value; raises `CannotCompile`."""
    if type(column.type).__module__.startswith("sqlalchemy.") and not isinstance(column.type, sa.Enum):
        for kind, convert in _DECODERS:
            if isinstance(column.type, kind):
                return convert
    raise CannotCompile(f"column {column.key}: {column.type!r} has no compiled form")


def serializer(
    schema: type[Schema], columns: Mapping[str, sa.ColumnElement[Any]], show: tuple[Show, Vault] | None = None
) -> Dump:
    """Return a function from a row's texts, in the columns' order, and the caller to the dumped mapping."""
    shown = schema()
    decoders = {name: decoder(column) for name, column in columns.items()}
    if show is not None:
        return _by_show(shaper(shown), decoders, *show)
    plan = _plan(shown, decoders)
    if plan is None or shown._hooks.get("pre_dump") or shown._hooks.get("post_dump"):
        return _by_schema(shown, decoders)
    return _by_plan(plan)


def _by_show(shape: Callable[[Any], Any], decoders: Mapping[str, Convert], show: Show, vault: Vault) -> Dump:
    pairs = list(decoders.items())

    def dump(row: Sequence[Raw], who: Principal) -> Any:
        values = {name: None if raw is None else convert(raw) for (name, convert), raw in zip(pairs, row, strict=True)}
        return shape(show(who, values, vault))

    return dump


def _plan(shown: Schema, decoders: Mapping[str, Convert]) -> list[tuple[str, int, Convert]] | None:
    order = list(decoders)
    plan = []
    for name, field in shown.dump_fields.items():
        attribute = field.attribute or name
        if (
            attribute not in decoders
            and field.dump_default is missing
            and not isinstance(field, fields.Method | fields.Function | fields.Constant)
        ):
            raise CannotCompile(f"{type(shown).__name__}.{name} is not among the selected columns")
        convert = _converter(field, decoders.get(attribute, repr))
        if convert is None:
            return None
        plan.append((field.data_key or name, order.index(attribute), convert))
    return plan


def _converter(field: fields.Field[Any], decode: Convert) -> Convert | None:
    if not _standard(field):
        return None
    if decode is not json.loads or (type(field), decode) in _PLAIN:
        return _PLAIN.get((type(field), decode))
    shape = shape_of(field)
    return None if shape is None else lambda raw: shape(json.loads(raw))


def _standard(field: fields.Field[Any]) -> bool:
    if isinstance(field, fields.DateTime):
        return field.format in (None, "iso")
    return not getattr(field, "as_string", False)


def _by_plan(plan: list[tuple[str, int, Convert]]) -> Dump:
    def dump(row: Sequence[Raw], _: Principal = ANONYMOUS) -> dict[str, Any]:
        return {key: None if (raw := row[at]) is None else convert(raw) for key, at, convert in plan}

    return dump


def _by_schema(shown: Schema, decoders: Mapping[str, Convert]) -> Dump:
    pairs = list(decoders.items())

    def dump(row: Sequence[Raw], _: Principal = ANONYMOUS) -> Any:
        values = _Row(
            (name, None if raw is None else convert(raw)) for (name, convert), raw in zip(pairs, row, strict=True)
        )
        return shown.dump(values)

    return dump
