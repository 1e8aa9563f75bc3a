"""What the proofing routes take and give."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class EventSchema(Schema):
    """One step of how a person was proven."""

    at = fields.AwareDateTime(required=True)
    source = fields.String(required=True)
    method = fields.String(required=True)
    outcome = fields.String(required=True, metadata={"description": "raised, confirmed, refused, or why it fell"})
    level = fields.Integer(required=True)


class WaySchema(Schema):
    """A way to a higher level."""

    method = fields.String(required=True)
    level = fields.Integer(required=True)
    title = fields.String(required=True)


class ProofingSchema(Schema):
    """How sure the city is of the caller."""

    level = fields.Integer(required=True)
    words = fields.String(required=True)
    acr = fields.String(required=True, metadata={"description": "The first half of `acr`"})
    network_identity = fields.Boolean(required=True)
    ways = fields.List(fields.Nested(WaySchema), required=True)
    events = fields.List(fields.Nested(EventSchema), required=True)


class DocumentSchema(Schema):
    """What stands on the identity card."""

    serial = fields.String(required=True, validate=validate.Length(4, 20))
    valid_until = fields.Date(required=True)


class NetworkTicketSchema(Schema):
    """A one-time ticket of the national network identity app."""

    ticket = fields.String(required=True, validate=validate.Length(8, 200))
