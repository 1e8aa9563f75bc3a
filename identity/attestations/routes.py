"""Officials attest whom they saw. Below /api/identity."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.guards import Kind, principal, require
from identity.attestations import service
from identity.attestations.models import PresenceAttestation
from identity.attestations.schemas import Attestation, AttestationForm

blueprint = Blueprint("identity_attestations", __name__, url_prefix="", description="人工核验 · Staff attestations")


@blueprint.route("/attestations")
class Attestations(MethodView):
    @require("presence:attest", kinds=[Kind.OFFICIAL], authentication_level=2)
    @blueprint.arguments(AttestationForm)
    @blueprint.response(201, Attestation)
    def post(self, form: dict[str, Any]) -> PresenceAttestation:
        """Attest that a person stands before a terminal; two officials are needed, each by a call of its own."""
        return service.attest(who=principal(), **form)
