"""What identity's own JSON routes take and give."""

from __future__ import annotations

from marshmallow import Schema, fields


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


class ActivitySchema(Schema):
    """Who looked at the caller's data, newest first."""

    items = fields.List(fields.Nested(ActivityEntrySchema), required=True)
