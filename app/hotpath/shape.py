"""Turn Python values into what `schema.dump` gives for them, without its per-value calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields, missing

Shape = Callable[[Any], Any]


def shaper(schema: Schema) -> Shape:
    """Return what dumps a mapping by a schema, compiled where every field has an exact form."""
    return _mapping(schema) or schema.dump


def shape_of(field: fields.Field[Any]) -> Shape | None:
    """Return the exact form of a field's dump, or None when only marshmallow knows it."""
    if type(field) is fields.String:
        return _text
    if type(field) is fields.Integer:
        return None if field.as_string else _number
    if type(field) in (fields.Boolean, fields.Raw):
        return _itself if type(field) is fields.Raw else None
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


def _itself(value: Any) -> Any:
    return value


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
    plan = []
    for name, field in schema.dump_fields.items():
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
        return {shown: shape(values[key]) for shown, key, shape in plan if key in values}

    return dump
