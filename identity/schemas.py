"""What identity's own JSON routes take and give."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.paging import PageArgs


class MeSchema(Schema):
    """The caller's own profile, masked."""

    id = fields.String(required=True, metadata={"description": "The subject id of this audience"})
    name = fields.String(required=True, metadata={"description": "All but the first sign starred"})
    mobile_tail = fields.String(required=True)
    area = fields.String(required=True, metadata={"description": "GB/T 2260 code"})
    proofing_level = fields.Integer(required=True)
    authentication_level = fields.Integer(required=True)


class ActivityEntrySchema(Schema):
    """One use of the caller's data."""

    id = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    action = fields.String(required=True)
    words = fields.String(required=True, metadata={"description": "The action in plain words"})
    by = fields.String(required=True, metadata={"description": "Who: yourself, an organisation's name, or a kind"})
    purpose = fields.String(allow_none=True)
    outcome = fields.String(required=True)


class ActivityArgs(PageArgs):
    """Which uses of one's data to list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    action = fields.String(load_default=None, validate=validate.Length(1, 80))
    since = fields.AwareDateTime(load_default=None)
    until = fields.AwareDateTime(load_default=None)
    others_only = fields.Boolean(load_default=False)


class ActivitySchema(Schema):
    """Who looked at the caller's data, newest first."""

    items = fields.List(fields.Nested(ActivityEntrySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
