"""A matter as clients see it, and the declaration it is loaded from."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.fields import Instant

UNVERIFIED = "unverified"


class Material(Schema):
    """A document that an application needs."""

    title_zh = fields.String(required=True, validate=validate.Length(1, 200))
    title_en = fields.String(required=True, validate=validate.Length(1, 300))
    certificate = fields.String(metadata={"description": "certificate type that replaces it, if any"})


class MatterSchema(Schema):
    """A public service item."""

    code = fields.String(required=True, validate=validate.Regexp(r"[a-z0-9][a-z0-9.-]{2,59}\Z"))
    category = fields.String(required=True)
    title_zh = fields.String(required=True, validate=validate.Length(1, 200))
    title_en = fields.String(required=True, validate=validate.Length(1, 300))
    owner = fields.String(required=True, validate=validate.Length(1, 100))
    area = fields.String(required=True)
    statutory_days = fields.Integer(required=True, allow_none=True, strict=True, validate=validate.Range(0, 365))
    promised_days = fields.Integer(required=True, allow_none=True, strict=True, validate=validate.Range(0, 365))
    materials = fields.List(fields.Nested(Material), required=True)
    channels = fields.List(fields.String(validate=validate.OneOf(["app", "window", "terminal", "web"])), required=True)
    source = fields.String(required=True, metadata={"description": "law or notice; `unverified` where none is known"})
    changed_at = Instant(dump_only=True)


class CategorySchema(Schema):
    """A shelf of the catalogue."""

    code = fields.String(required=True, validate=validate.Regexp(r"[a-z][a-z0-9-]{1,39}\Z"))
    title_zh = fields.String(required=True, validate=validate.Length(1, 100))
    title_en = fields.String(required=True, validate=validate.Length(1, 200))


class Declarations(Schema):
    """A file of categories and matters."""

    categories = fields.List(fields.Nested(CategorySchema), load_default=list)
    matters = fields.List(fields.Nested(MatterSchema), required=True)


class MatterArgs(Schema):
    """Filter of the catalogue."""

    category = fields.String(load_default=None, validate=validate.Length(max=40))
