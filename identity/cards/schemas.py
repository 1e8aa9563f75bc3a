"""What officials and citizens send and get about cards."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from identity.cards.service import number_tail


class CardForm(Schema):
    resident_id = fields.String(required=True, validate=validate.Regexp(r"[0-9]{17}[0-9Xx]\Z"))
    number = fields.String(required=True, validate=validate.Regexp(r"[0-9A-Za-z]{8,24}\Z"))


class PinForm(Schema):
    pin = fields.String(required=True, validate=validate.Regexp(r"[0-9]{6}\Z"))


class Card(Schema):
    id = fields.String(metadata={"example": "card_01k9tq3v5e7m9x2c4b6n8p0r2s"})
    number_tail = fields.Function(number_tail, metadata={"type": "string", "example": "4417"})
    state = fields.String(validate=validate.OneOf(["active", "blocked"]))
    has_pin = fields.Function(lambda card: card.pin is not None, metadata={"type": "boolean"})
    issued_at = fields.AwareDateTime(format="iso")


class IssuedCard(Schema):
    id = fields.String()
    state = fields.String()
    issued_at = fields.AwareDateTime(format="iso")
