"""What officials send and get."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from identity.attestations.service import DOCUMENTS


class AttestationForm(Schema):
    terminal = fields.String(required=True, validate=validate.Length(1, 80))
    purpose = fields.String(
        required=True, validate=validate.Regexp(r"[a-z][a-z0-9_.:-]{2,79}\Z"), metadata={"example": "health:purchase"}
    )
    resident_id = fields.String(required=True, validate=validate.Regexp(r"[0-9]{17}[0-9Xx]\Z"))
    document = fields.String(required=True, validate=validate.OneOf(DOCUMENTS))


class Attestation(Schema):
    id = fields.String(metadata={"example": "attestation_01k9tq3v5e7m9x2c4b6n8p0r2s"})
    terminal = fields.String()
    purpose = fields.String()
    document = fields.String()
    made_at = fields.AwareDateTime(format="iso")
