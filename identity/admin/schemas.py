"""What the routes of persons and signing keys take and give."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.fields import Resident
from identity.admin.persons import REASONS


class PersonSearchSchema(Schema):
    """One ID number, whole, and why it is asked for."""

    resident_id = Resident(required=True)
    reason = fields.String(required=True, validate=validate.OneOf(REASONS))


class PersonReasonSchema(Schema):
    """Why something is done to a person."""

    reason = fields.String(required=True, validate=validate.OneOf(REASONS))


class PersonSchema(Schema):
    """A person as officials see them."""

    id = fields.String(required=True, metadata={"description": "The administration's own id of this person"})
    name = fields.String(required=True, metadata={"description": "All but the first sign starred"})
    area = fields.String(required=True)
    proofing_level = fields.Integer(required=True)
    state = fields.String(required=True)


class SigningKeySchema(Schema):
    """A signing key; its public half is at jwks_uri."""

    kid = fields.String(required=True)
    algorithm = fields.String(required=True)
    state = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    changed_at = fields.AwareDateTime(required=True)


class SigningKeysSchema(Schema):
    """All keys that verifiers may meet."""

    items = fields.List(fields.Nested(SigningKeySchema), required=True)


class RotatedSchema(Schema):
    """The keys that sign from now on, one for each algorithm."""

    kids = fields.List(fields.String(), required=True)
