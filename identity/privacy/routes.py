"""One's own consents, export and erasure. Below /api/identity/me."""

from __future__ import annotations

from flask import Response
from flask.views import MethodView
from flask_smorest import Blueprint

from app.errors import NotFound
from app.guards import Kind, own_party, require
from app.idempotency import idempotent
from identity.privacy import consents, erasure, exports
from identity.privacy.consents import Consent
from identity.privacy.models import DataExport, ErasureRequest
from identity.privacy.schemas import AppConsentsSchema, ErasureSchema, ExportSchema, ExportsSchema

SCOPE = "identity:privacy"
blueprint = Blueprint("identity_privacy", __name__, url_prefix="", description="我的授权与数据 · Consents and data")


@blueprint.route("/me/consents")
class Consents(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(200, AppConsentsSchema)
    def get(self) -> dict[str, list[Consent]]:
        """List the apps one let in, with their history."""
        return {"items": consents.of(own_party())}


@blueprint.route("/me/consents/<client_id>")
class OneConsent(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(204)
    def delete(self, client_id: str) -> None:
        """Take back all one allowed an app, at once."""
        consents.withdraw(own_party(), client_id)


@blueprint.route("/me/exports")
class Exports(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(200, ExportsSchema)
    def get(self) -> dict[str, list[DataExport]]:
        """List one's exports."""
        return {"items": exports.of_own(own_party())}

    @require(SCOPE, kinds=[Kind.CITIZEN], authentication_level=2)
    @idempotent
    @blueprint.response(202, ExportSchema)
    def post(self) -> DataExport:
        """Ask for all the city holds about oneself."""
        return exports.ask(own_party())


@blueprint.route("/me/exports/<export_id>/fetch")
class Fetch(MethodView):
    # Not kept for repetition: it is given once.
    @require(SCOPE, kinds=[Kind.CITIZEN], authentication_level=2)
    @blueprint.response(200, description="The export, as JSON, once")
    def post(self, export_id: str) -> Response:
        """Download an export, once."""
        return attachment(exports.fetch(own_party(), export_id))


@blueprint.route("/me/erasure")
class Erasure(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(200, ErasureSchema)
    def get(self) -> ErasureRequest:
        """Return one's open request to be forgotten."""
        found = erasure.open_request(own_party())
        if found is None:
            raise NotFound
        return found

    @require(SCOPE, kinds=[Kind.CITIZEN], authentication_level=2)
    @idempotent
    @blueprint.response(202, ErasureSchema)
    def post(self) -> ErasureRequest:
        """Ask to be forgotten; it can be taken back until it is due."""
        return erasure.request(own_party())

    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(204)
    def delete(self) -> None:
        """Take a request to be forgotten back."""
        erasure.cancel(own_party())


def attachment(body: bytes) -> Response:
    """Return an export as a file that nothing on the way keeps."""
    answer = Response(body, mimetype="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="suxin-data.json"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
