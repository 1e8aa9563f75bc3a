"""Terminals: enrolment by code, and their organisation's say over them. Below /api/identity."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.guards import public
from app.idempotency import idempotent, keyed
from app.paging import Page, PageArgs, paged
from identity import handles
from identity.clients.rules import check_terminal_access
from identity.devices import codes, enrolment, service
from identity.devices.enrolment import Invitation
from identity.devices.models import Device
from identity.devices.schemas import (
    DeviceChangeSchema,
    DeviceSchema,
    EnrolledTerminalSchema,
    TerminalCodeFormSchema,
    TerminalCodeSchema,
    TerminalEnrolmentFormSchema,
)
from identity.staff.guard import official

blueprint = Blueprint("identity_devices", __name__, url_prefix="", description="终端管理 · Terminals")


@blueprint.route("/devices/enrolments")
class Enrolments(MethodView):
    @public(because="the one-time code and the signature by the key are the credential")
    @blueprint.arguments(TerminalEnrolmentFormSchema)
    @blueprint.response(201, EnrolledTerminalSchema)
    def post(self, form: dict[str, Any]) -> Device:
        """Enrol a terminal by the code its organisation's staff gave it."""
        return enrolment.enrol(**form)


@blueprint.route("/admin/devices")
class Devices(MethodView):
    @official()
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.response(200, paged(DeviceSchema))
    def get(self, args: dict[str, Any]) -> Page[Device]:
        """List the terminals within one's reach."""
        return service.listed(**args)


@blueprint.route("/admin/device-codes")
class Codes(MethodView):
    @official()
    @keyed
    @blueprint.arguments(TerminalCodeFormSchema)
    @blueprint.response(201, TerminalCodeSchema)
    def post(self, form: dict[str, Any]) -> Invitation:
        """Make an enrolment code; the same Idempotency-Key gives the same one."""
        check_terminal_access(form["access"])
        owner = handles.organisation_by(form.pop("organisation"))
        return enrolment.invite(organisation_id=owner.id, code=codes.of_request("enrolment"), **form)


@blueprint.route("/admin/devices/<device_id>")
class OneDevice(MethodView):
    @official()
    @blueprint.response(200, DeviceSchema)
    def get(self, device_id: str) -> Device:
        """Return one terminal."""
        return service.find(device_id)

    @official()
    @blueprint.arguments(DeviceChangeSchema)
    @blueprint.response(200, DeviceSchema)
    def patch(self, changes: dict[str, Any], device_id: str) -> Device:
        """Change what people call a terminal."""
        return service.relabel(device_id, **changes)


@blueprint.route("/admin/devices/<device_id>/key-codes")
class KeyCodes(MethodView):
    @official()
    @keyed
    @blueprint.response(201, TerminalCodeSchema)
    def post(self, device_id: str) -> Invitation:
        """Make a code by which this terminal brings another key."""
        return enrolment.invite_key(device_id, code=codes.of_request("key"))


@blueprint.route("/admin/devices/<device_id>/suspend")
class Suspend(MethodView):
    @official()
    @idempotent
    @blueprint.response(204)
    def post(self, device_id: str) -> None:
        """Stop a terminal and the tokens it holds, at once."""
        service.suspend(device_id)


@blueprint.route("/admin/devices/<device_id>/resume")
class Resume(MethodView):
    @official()
    @idempotent
    @blueprint.response(204)
    def post(self, device_id: str) -> None:
        """Let a suspended terminal work again."""
        service.resume(device_id)


@blueprint.route("/admin/devices/<device_id>/retire")
class Retire(MethodView):
    @official()
    @idempotent
    @blueprint.response(204)
    def post(self, device_id: str) -> None:
        """Stop a terminal for good."""
        service.retire(device_id)
