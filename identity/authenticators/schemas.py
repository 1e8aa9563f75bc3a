"""What the routes about one's ways in take and give."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

_NAME = validate.Length(1, 40)


class AuthenticatorSchema(Schema):
    """One way into the account; nothing here opens it."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["password", "totp", "passkey"]))
    name = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(required=True, allow_none=True)
    suspect_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When its counter betrayed a copy; it is stopped"}
    )


class AuthenticatorsSchema(Schema):
    """All ways into the account, the oldest first."""

    items = fields.List(fields.Nested(AuthenticatorSchema), required=True)


class NameForm(Schema):
    name = fields.String(required=True, validate=_NAME)


class PasskeyForm(Schema):
    name = fields.String(required=True, validate=_NAME)
    credential = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "RegistrationResponseJSON of WebAuthn level 3"}
    )


class PasskeyOptions(Schema):
    options = fields.Dict(
        required=True,
        metadata={"description": "PublicKeyCredentialCreationOptionsJSON (WebAuthn level 3), usable once"},
    )
