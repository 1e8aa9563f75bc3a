"""What the routes about acting for others take and give."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

_WORD = validate.Regexp(r"^[a-z][a-z0-9:.-]{0,59}$")


class DetailSchema(Schema):
    """One authorization detail (RFC 9396, 2)."""

    type = fields.String(required=True, validate=validate.Equal("service"))
    locations = fields.List(fields.String(), required=True, metadata={"description": "Resource indicators"})
    actions = fields.List(fields.String(), required=True, metadata={"description": "Scopes at those resources"})


class NamedSchema(Schema):
    """Somebody named by name and resident number."""

    name = fields.String(required=True, validate=validate.Length(1, 60))
    resident_id = fields.String(required=True, validate=validate.Length(18, 18))


class GivingSchema(NamedSchema):
    """A mandate to give."""

    purpose = fields.String(required=True, validate=_WORD)
    authorization_details = fields.List(fields.Nested(DetailSchema), required=True)
    expires_at = fields.AwareDateTime(required=True)


class MandateSchema(Schema):
    """A mandate as either side sees it."""

    id = fields.String(required=True)
    role = fields.String(required=True, metadata={"description": "given or held"})
    other = fields.String(required=True, metadata={"description": "The other side's masked name, empty until known"})
    purpose = fields.String(required=True)
    authorization_details = fields.List(fields.Nested(DetailSchema), required=True)
    state = fields.String(required=True, metadata={"description": "offered, active, refused, revoked or expired"})
    created_at = fields.AwareDateTime(required=True)
    accepted_at = fields.AwareDateTime(allow_none=True)
    expires_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(allow_none=True)


class MandatesSchema(Schema):
    """Every mandate given and held, ended ones too, newest first."""

    items = fields.List(fields.Nested(MandateSchema), required=True)


class RelationshipSchema(Schema):
    """A standing ground to act, as one side sees it."""

    id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "guardian, legal_representative or agent"})
    name = fields.String(required=True, metadata={"description": "The other side: masked, or an organisation's name"})
    role = fields.String(allow_none=True)
    stage = fields.String(allow_none=True, metadata={"description": "Of a ward: child (below 14), minor, adult"})
    state = fields.String(required=True, metadata={"description": "offered, active, disputed, lapsed, expired, ended"})
    valid_until = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(allow_none=True)


class RelationshipsSchema(Schema):
    """Relationships, newest first."""

    items = fields.List(fields.Nested(RelationshipSchema), required=True)


class OrganisationClaimSchema(Schema):
    """An organisation that the caller legally represents."""

    credit_code = fields.String(required=True, validate=validate.Length(18, 18))


class AppointmentSchema(NamedSchema):
    """An agent to appoint."""

    role = fields.String(required=True, validate=_WORD)
    authorization_details = fields.List(fields.Nested(DetailSchema), required=True)
    expires_at = fields.AwareDateTime(required=True)


class CapacitySchema(Schema):
    """One ground on which the caller may act now."""

    evidence = fields.String(
        allow_none=True, metadata={"description": "Names it in `authorization_details`; null: self"}
    )
    kind = fields.String(required=True)
    name = fields.String(required=True)
    party = fields.String(required=True, metadata={"description": "The represented party's subject id"})
    supervised = fields.Boolean(required=True)
    until = fields.AwareDateTime(allow_none=True)


class CapacitiesSchema(Schema):
    """For whom the caller may act now, oneself first."""

    items = fields.List(fields.Nested(CapacitySchema), required=True)


class AssistanceFormSchema(NamedSchema):
    """The person at the window, and why."""

    place = fields.String(required=True, validate=validate.Length(6, 12))
    reason = fields.String(required=True, validate=_WORD)


class AssistanceSchema(Schema):
    """An assistance that has begun."""

    id = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
