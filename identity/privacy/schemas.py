"""What the privacy routes give."""

from __future__ import annotations

from marshmallow import Schema, fields


class GivenSchema(Schema):
    """One time that an app was let in."""

    at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    purpose = fields.String(required=True, allow_none=True)
    acting_for = fields.Boolean(required=True, metadata={"description": "Whether it was for somebody else"})
    as_staff = fields.Boolean(required=True)
    access = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)


class AppConsentSchema(Schema):
    """What one app is and was allowed."""

    client = fields.String(required=True)
    title_zh = fields.String(required=True)
    title_en = fields.String(required=True)
    organisation = fields.String(required=True, allow_none=True)
    active = fields.Boolean(required=True)
    access = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)
    purposes = fields.List(fields.String(), required=True)
    since = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(required=True)
    history = fields.List(fields.Nested(GivenSchema), required=True)


class AppConsentsSchema(Schema):
    """All apps one ever let in, the open ones first."""

    items = fields.List(fields.Nested(AppConsentSchema), required=True)


class ExportSchema(Schema):
    """An export of one's own data."""

    id = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "queued, ready, fetched, expired"})
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    fetched_at = fields.AwareDateTime(required=True, allow_none=True)


class ExportsSchema(Schema):
    """One's own exports, newest first."""

    items = fields.List(fields.Nested(ExportSchema), required=True)


class KeptSchema(Schema):
    """What the law keeps after an erasure."""

    part = fields.String(required=True)
    what_zh = fields.String(required=True)
    what_en = fields.String(required=True)
    law_zh = fields.String(required=True)
    law_en = fields.String(required=True)


class ErasureSchema(Schema):
    """A request to be forgotten, within its cooling-off time."""

    id = fields.String(required=True)
    state = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True)
    kept = fields.List(fields.Nested(KeptSchema), required=True)
