"""Persons and signing keys, for officials. Below /api/identity/admin."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.idempotency import idempotent
from identity.admin import persons, signing_keys
from identity.admin.persons import Found
from identity.admin.schemas import (
    PersonReasonSchema,
    PersonSchema,
    PersonSearchSchema,
    RotatedSchema,
    SigningKeysSchema,
)
from identity.oidc.models import SigningKey
from identity.staff.guard import official

blueprint = Blueprint(
    "identity_admin", __name__, url_prefix="", description="身份管理 · Persons and keys, for officials"
)


@blueprint.route("/admin/persons/find")
class FindPerson(MethodView):
    # A question that must not stand in an address, hence POST; repeating it is harmless and leaves a line each time.
    @official()
    @blueprint.arguments(PersonSearchSchema)
    @blueprint.response(200, PersonSchema)
    def post(self, form: dict[str, Any]) -> Found:
        """Find the person with exactly this ID number."""
        return persons.find(form["resident_id"].reveal(), reason=form["reason"])


@blueprint.route("/admin/persons/<handle>")
class OnePerson(MethodView):
    @official()
    @blueprint.response(200, PersonSchema)
    def get(self, handle: str) -> Found:
        """Return one person, masked."""
        return persons.look(handle)


@blueprint.route("/admin/persons/<handle>/enable")
class EnablePerson(MethodView):
    @official()
    @idempotent
    @blueprint.arguments(PersonReasonSchema)
    @blueprint.response(204)
    def post(self, form: dict[str, Any], handle: str) -> None:
        """Let a stopped person log in again."""
        persons.enable(handle, reason=form["reason"])


@blueprint.route("/admin/signing-keys")
class SigningKeys(MethodView):
    @official()
    @blueprint.response(200, SigningKeysSchema)
    def get(self) -> dict[str, list[SigningKey]]:
        """List the issuer's keys."""
        return {"items": signing_keys.listed()}


@blueprint.route("/admin/signing-keys/rotate")
class Rotate(MethodView):
    @official()
    @idempotent
    @blueprint.response(200, RotatedSchema)
    def post(self) -> dict[str, list[str]]:
        """Let the next key of each algorithm sign, once it has been published for a day."""
        return {"kids": signing_keys.rotate()}
