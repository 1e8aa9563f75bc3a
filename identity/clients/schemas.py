"""What the client routes take and give; what is not named here cannot be set."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from identity.clients.rules import GRANT_TYPES
from identity.handles import credit_code_of

_TITLE = validate.Length(1, 80)
_URIS = validate.Length(max=20)
_SCOPES = fields.List(fields.String(validate=validate.Length(1, 60)), validate=validate.Length(1, 60))


class ClientChangeSchema(Schema):
    """What may be changed of a client."""

    title_zh = fields.String(validate=_TITLE)
    title_en = fields.String(validate=_TITLE)
    redirect_uris = fields.List(fields.String(validate=validate.Length(1, 400)), validate=_URIS)
    post_logout_redirect_uris = fields.List(fields.String(validate=validate.Length(1, 400)), validate=_URIS)
    backchannel_logout_uri = fields.String(allow_none=True, validate=validate.Length(1, 400))
    grant_types = fields.List(
        fields.String(validate=validate.OneOf(GRANT_TYPES)), validate=validate.Length(1, len(GRANT_TYPES))
    )
    access = fields.Dict(keys=fields.String(validate=validate.Length(1, 40)), values=_SCOPES)


class ClientFormSchema(ClientChangeSchema):
    """A new client."""

    title_zh = fields.String(required=True, validate=_TITLE)
    title_en = fields.String(required=True, validate=_TITLE)
    redirect_uris = fields.List(fields.String(validate=validate.Length(1, 400)), required=True, validate=_URIS)
    access = fields.Dict(keys=fields.String(validate=validate.Length(1, 40)), values=_SCOPES, required=True)
    profile = fields.String(load_default="baseline", validate=validate.OneOf(("fapi2", "baseline")))
    auth_method = fields.String(
        load_default="none",
        validate=validate.OneOf(("none", "client_secret_basic", "client_secret_post", "private_key_jwt")),
    )
    id_token_alg = fields.String(load_default="ES256", validate=validate.OneOf(("ES256", "RS256")))
    sector = fields.String(validate=validate.Length(1, 80))
    organisation = fields.String(metadata={"description": "Unified social credit code of the owner"})


class ClientSchema(Schema):
    """A client as officials see it."""

    id = fields.String(required=True)
    title_zh = fields.String(required=True)
    title_en = fields.String(required=True)
    profile = fields.String(required=True)
    auth_method = fields.String(required=True)
    grant_types = fields.List(fields.String(), required=True)
    redirect_uris = fields.List(fields.String(), required=True)
    post_logout_redirect_uris = fields.List(fields.String(), required=True)
    backchannel_logout_uri = fields.String(required=True, allow_none=True)
    id_token_alg = fields.String(required=True)
    sector = fields.String(required=True, allow_none=True)
    access = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)
    organisation = fields.Function(
        lambda client: credit_code_of(client.organisation_id), required=True,
        metadata={"type": "string", "nullable": True, "description": "Credit code of the owner"},
    )  # fmt: skip
    state = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)


class ClientKeyFormSchema(Schema):
    """A public key of a client."""

    kid = fields.String(required=True, validate=validate.Length(1, 128))
    jwk = fields.Dict(required=True, metadata={"description": "Public P-256 key, or RSA of 2048 to 4096 bits"})


class ClientKeySchema(Schema):
    """A public key of a client, alive or retired."""

    kid = fields.String(required=True)
    algorithm = fields.String(required=True)
    public_jwk = fields.Dict(required=True)
    created_at = fields.AwareDateTime(required=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)


class ClientKeysSchema(Schema):
    """All keys of a client."""

    items = fields.List(fields.Nested(ClientKeySchema), required=True)


class ClientSecretSchema(Schema):
    """A client's new secret, shown in this answer only."""

    client_secret = fields.String(required=True)
