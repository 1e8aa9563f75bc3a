"""A citizen's own face: consent, enrolment, withdrawal. Below /api/identity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.errors import NotAllowed
from app.guards import Kind, principal, public, require
from identity.face import notice, service
from identity.face.models import FaceConsent, FaceTemplate
from identity.face.schemas import Consent, ConsentForm, Enrolment, EnrolmentForm, Notice

SCOPE = "identity:face"
blueprint = Blueprint("identity_face", __name__, url_prefix="", description="人脸授权 · Face consent and enrolment")


@blueprint.route("/face/notices")
class Notices(MethodView):
    @public(because="a notice must be readable before anyone consents")
    @blueprint.response(200, Notice(many=True))
    def get(self) -> list[notice.Notice]:
        """Read the notices in force, one per purpose."""
        return notice.current()


@blueprint.route("/face/consents")
class Consents(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(200, Consent(many=True))
    def get(self) -> Sequence[FaceConsent]:
        """List the own consents, also those withdrawn."""
        return service.consents_of(_self())

    @require(SCOPE, kinds=[Kind.CITIZEN], proofing_level=2)
    @blueprint.arguments(ConsentForm)
    @blueprint.response(201, Consent)
    def post(self, form: dict[str, Any]) -> FaceConsent:
        """Consent to be recognised by face at terminals."""
        return service.consent(_self(), **form)


@blueprint.route("/face/consents/<consent_id>")
class OneConsent(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(204)
    def delete(self, consent_id: str) -> None:
        """Withdraw: the template is erased at once."""
        service.withdraw(consent_id, person=_self())


@blueprint.route("/face/enrolments")
class Enrolments(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN], proofing_level=2)
    @blueprint.arguments(EnrolmentForm)
    @blueprint.response(201, Enrolment)
    def post(self, form: dict[str, Any]) -> FaceTemplate:
        """Enrol the own face, or replace it."""
        return service.enrol(_self(), form["photographs"], form["consent"])


def _self() -> str:
    party = principal().party
    if party is None:
        raise NotAllowed()
    return party
