"""Staff roles and acts for two persons. Below /api/identity/admin."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.idempotency import idempotent
from app.paging import Page, PageArgs, paged
from identity import handles
from identity.staff import approvals, service
from identity.staff.guard import official
from identity.staff.models import Approval, StaffRole
from identity.staff.schemas import (
    ApprovalSchema,
    ExecutedSchema,
    ProposalFormSchema,
    StaffRoleFormSchema,
    StaffRoleSchema,
)

blueprint = Blueprint("identity_staff", __name__, url_prefix="", description="岗位与双人审批 · Staff and approvals")


@blueprint.route("/admin/staff-roles")
class StaffRoles(MethodView):
    @official()
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.response(200, paged(StaffRoleSchema))
    def get(self, args: dict[str, Any]) -> Page[StaffRole]:
        """List the staff roles within one's reach."""
        return service.roles(**args)

    @official()
    @idempotent
    @blueprint.arguments(StaffRoleFormSchema)
    @blueprint.response(201, StaffRoleSchema)
    def post(self, form: dict[str, Any]) -> StaffRole:
        """Give a staff role; an administrator's takes two persons."""
        person = handles.person_of(form.pop("person"))
        owner = handles.organisation_by(form.pop("organisation"))
        return service.give(person_id=person, organisation_id=owner.id, **form)


@blueprint.route("/admin/staff-roles/<role_id>")
class OneStaffRole(MethodView):
    @official()
    @blueprint.response(204)
    def delete(self, role_id: str) -> None:
        """End a staff role at once."""
        service.end(role_id)


@blueprint.route("/admin/approvals")
class Approvals(MethodView):
    @official()
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.response(200, paged(ApprovalSchema))
    def get(self, args: dict[str, Any]) -> Page[Approval]:
        """List proposed acts: an administrator all, others their own."""
        return approvals.proposals(**args)

    @official()
    @idempotent
    @blueprint.arguments(ProposalFormSchema)
    @blueprint.response(201, ApprovalSchema)
    def post(self, form: dict[str, Any]) -> Approval:
        """Propose an act that takes two persons."""
        return approvals.propose(**form)


@blueprint.route("/admin/approvals/<approval_id>")
class OneApproval(MethodView):
    @official()
    @blueprint.response(200, ApprovalSchema)
    def get(self, approval_id: str) -> Approval:
        """Return one proposed act."""
        return approvals.find(approval_id)


@blueprint.route("/admin/approvals/<approval_id>/approve")
class Approve(MethodView):
    @official()
    @idempotent
    @blueprint.response(200, ApprovalSchema)
    def post(self, approval_id: str) -> Approval:
        """Approve another's act, from a session of one's own."""
        return approvals.approve(approval_id)


@blueprint.route("/admin/approvals/<approval_id>/refuse")
class Refuse(MethodView):
    @official()
    @idempotent
    @blueprint.response(200, ApprovalSchema)
    def post(self, approval_id: str) -> Approval:
        """Refuse an act, or take back one's own."""
        return approvals.refuse(approval_id)


@blueprint.route("/admin/approvals/<approval_id>/execute")
class Execute(MethodView):
    # Not kept for repetition: an act may answer with personal data. It is done once by its own state.
    @official()
    @blueprint.response(200, ExecutedSchema)
    def post(self, approval_id: str) -> dict[str, Any]:
        """Do an approved act, once."""
        return {"result": approvals.execute_once(approval_id)}
