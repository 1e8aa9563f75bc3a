"""What the routes about sessions and tickets take and give."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema


class SessionSchema(Schema):
    """One browser that is logged in."""

    id = fields.String(required=True)
    agent = fields.String(required=True, metadata={"example": "Chrome · Windows"})
    place = fields.String(required=True, metadata={"description": "The network in part", "example": "203.0.*.*"})
    begun_at = fields.AwareDateTime(required=True)
    last_seen_at = fields.AwareDateTime(required=True)
    authentication_level = fields.Integer(required=True)
    methods = fields.List(fields.String(), required=True)
    shared = fields.Boolean(required=True)
    assisted = fields.Function(
        lambda each: each.assisted_by is not None,
        metadata={"type": "boolean", "description": "Opened by a window official"},
    )


class SessionsSchema(Schema):
    """The caller's live sessions, the one seen last first."""

    items = fields.List(fields.Nested(SessionSchema), required=True)


class TicketForm(Schema):
    """Whom the ticket is for, checked how, and why."""

    kind = fields.String(required=True, validate=validate.OneOf(["log-in", "recovery"]))
    reason = fields.String(required=True, validate=validate.Length(2, 200))
    proof = fields.String(metadata={"description": "A presence proof of the purpose, confirmed for this reason"})
    terminal = fields.String(metadata={"description": "The terminal that holds the proof, when an official uses it"})
    resident_id = fields.String(
        load_only=True, metadata={"description": "The number on the card that the official has checked"}
    )

    @validates_schema
    def _one_check(self, data: dict[str, Any], **_: Any) -> None:
        if ("proof" in data) == ("resident_id" in data):
            raise ValidationError({"proof": ["give either a proof or the number on the card"]})


class TicketSchema(Schema):
    """A ticket to hand over; its code is shown this once."""

    id = fields.String(required=True)
    code = fields.String(required=True, metadata={"example": "7KQ2M9XHRD"})
    ready_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
