"""What the terminal routes take and give."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from identity.handles import credit_code_of

_ACCESS = fields.List(fields.String(validate=validate.Length(1, 60)), validate=validate.Length(1, 60))


class TerminalCodeFormSchema(Schema):
    """For which terminal a code is made."""

    organisation = fields.String(required=True, metadata={"description": "Unified social credit code"})
    place = fields.String(required=True, metadata={"description": "GB/T 2260 code of where it stands"})
    label = fields.String(required=True, validate=validate.Length(1, 80))
    access = fields.Dict(keys=fields.String(validate=validate.Length(1, 40)), values=_ACCESS, required=True)


class TerminalCodeSchema(Schema):
    """A one-time enrolment code, shown in this answer only."""

    id = fields.String(required=True)
    code = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


class KeyAttestationFormSchema(Schema):
    """What the terminal's maker says of its key."""

    format = fields.String(required=True, validate=validate.Length(1, 20))
    x5c = fields.List(fields.String(validate=validate.Length(1, 8000)), validate=validate.Length(1, 6))


class TerminalEnrolmentFormSchema(Schema):
    """A terminal's key, the code it was given, and the proof that it holds the key."""

    code = fields.String(required=True, validate=validate.Length(1, 64))
    public_jwk = fields.Dict(required=True, metadata={"description": "Public P-256 key"})
    proof = fields.String(
        required=True,
        validate=validate.Length(1, 8192),
        metadata={"description": "Compact JWS by that key, typ suxin-enrolment+jwt, over aud, iat, code_sha256"},
    )
    attestation = fields.Nested(KeyAttestationFormSchema)


class EnrolledTerminalSchema(Schema):
    """The enrolled terminal."""

    client_id = fields.String(required=True, attribute="id")
    place = fields.String(required=True)
    label = fields.String(required=True)
    access = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)


class DeviceSchema(Schema):
    """A terminal as its organisation's staff see it."""

    id = fields.String(required=True)
    organisation = fields.Function(
        lambda device: credit_code_of(device.organisation_id), required=True, metadata={"type": "string"}
    )
    place = fields.String(required=True)
    label = fields.String(required=True)
    thumbprint = fields.String(required=True)
    access = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)
    state = fields.String(required=True)
    attestation = fields.Dict(required=True, allow_none=True)
    last_seen_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class DeviceChangeSchema(Schema):
    """What may be changed of a terminal."""

    label = fields.String(required=True, validate=validate.Length(1, 80))
