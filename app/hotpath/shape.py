"""Turn Python values into what `schema.dump` gives for them, without its per-value calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, missing

from app.fields import Instant

Shape = Callable[[Any], Any]


def shaper(schema: Schema) -> Shape:
    """Return what dumps a mapping by a schema, compiled where every field has an exact form."""
    return _mapping(schema) or schema.dump


def plain(schema: Schema) -> bool:
    """Tell whether all that a schema shows is text, whole numbers and flags, which every JSON writer writes alike.

    A fraction, or JSON that somebody else made, may be spelled in several ways.
    """
    return all(type(field) in _PLAIN for field in schema.dump_fields.values())


_PLAIN = (fields.String, fields.Integer, fields.Boolean, fields.DateTime, fields.AwareDateTime, Instant)


def shape_of(field: fields.Field[Any]) -> Shape | None:
    """Return the exact form of a field's dump, or None when only marshmallow knows it."""
    if type(field) in _SIMPLE:
        # A format of its own or a number as text is more than the simple form.
        plain = getattr(field, "format", None) in (None, "iso") and not getattr(field, "as_string", False)
        return _SIMPLE[type(field)] if plain else None
    if isinstance(field, fields.List) and type(field) is fields.List:
        return _list(shape_of(field.inner))
    if type(field) is fields.Nested and not field.many and not field.only and not field.exclude:
        return _mapping(field.schema)
    return None


def _text(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("not a text")


def _number(value: Any) -> Any:
    if value is None or type(value) is int:
        return value
    raise TypeError("not a whole number")


def _moment(value: Any) -> Any:
    if value is None or isinstance(value, datetime):
        return None if value is None else value.isoformat()
    raise TypeError("not a moment")


def _itself(value: Any) -> Any:
    return value


_SIMPLE: dict[type[fields.Field[Any]], Shape] = {
    fields.String: _text,
    fields.Integer: _number,
    fields.DateTime: _moment,
    fields.AwareDateTime: _moment,
    fields.Raw: _itself,
}


def _list(inner: Shape | None) -> Shape | None:
    if inner is None:
        return None

    def dump(values: Any) -> Any:
        if values is None or type(values) is list:
            return None if values is None else [inner(each) for each in values]
        raise TypeError("not a list")

    return dump


def _mapping(schema: Schema) -> Shape | None:
    if schema.many or schema._hooks.get("pre_dump") or schema._hooks.get("post_dump"):
        return None
    plan, computed = [], []
    for name, field in schema.dump_fields.items():
        if type(field) is fields.Function and field.serialize_func is not None:
            computed.append((field.data_key or name, field.serialize_func))
            continue
        shape, key = shape_of(field), field.attribute or name
        # A dotted name makes marshmallow walk, a default makes it invent.
        if shape is None or "." in key or field.dump_default is not missing:
            return None
        plan.append((field.data_key or name, key, shape))

    def dump(values: Any) -> Any:
        if values is None:
            return None
        if not isinstance(values, Mapping):
            raise TypeError("not a mapping")
        shown = {shown: shape(values[key]) for shown, key, shape in plan if key in values}
        for name, compute in computed:
            shown[name] = compute(values)
        return shown

    return dump
