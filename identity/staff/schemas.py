"""What the routes of staff roles and approvals take and give."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from identity.handles import credit_code_of, handle_of
from identity.staff.desks import ROLES

REASON = validate.Length(4, 200)


class StaffRoleFormSchema(Schema):
    """Who shall do what for whom, where, until when."""

    person = fields.String(required=True, validate=validate.Length(1, 60))
    organisation = fields.String(required=True, metadata={"description": "Unified social credit code"})
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    area = fields.String(required=True, validate=validate.Regexp(r"[0-9]{2,12}\Z"))
    valid_until = fields.AwareDateTime(load_default=None, allow_none=True)


class StaffRoleSchema(Schema):
    """A staff role in force."""

    id = fields.String(required=True)
    person = fields.Function(lambda held: handle_of(held.person_id), required=True, metadata={"type": "string"})
    organisation = fields.Function(
        lambda held: credit_code_of(held.organisation_id), required=True, metadata={"type": "string"}
    )
    role = fields.String(required=True)
    area = fields.String(required=True)
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True, allow_none=True)


class ProposalFormSchema(Schema):
    """A dangerous act that somebody else shall approve."""

    act = fields.String(required=True, validate=validate.Length(1, 40))
    arguments = fields.Dict(keys=fields.String(), required=True)
    reason = fields.String(required=True, validate=REASON)


class ApprovalSchema(Schema):
    """A proposed act and what became of it."""

    id = fields.String(required=True)
    act = fields.String(required=True)
    arguments = fields.Dict(required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True)
    proposed_by = fields.Function(lambda held: _who(held.proposed_by), required=True, metadata={"type": "string"})
    decided_by = fields.Function(
        lambda held: _who(held.decided_by), required=True, metadata={"type": "string", "nullable": True}
    )
    created_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    expires_at = fields.AwareDateTime(required=True)
    executed_at = fields.AwareDateTime(required=True, allow_none=True)


class ExecutedSchema(Schema):
    """What an executed act gave."""

    result = fields.Raw(required=True, allow_none=True)


def _who(actor: str | None) -> str | None:
    return handle_of(actor) if actor and actor.startswith("person_") else actor
