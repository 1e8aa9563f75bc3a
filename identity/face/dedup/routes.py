"""The search over all citizens: asked for, approved by another, read. Below /api/identity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.guards import Kind, principal, require, writes_on_get
from identity.face.dedup import service
from identity.face.dedup.models import FaceDedupFinding, FaceDedupJob
from identity.face.dedup.schemas import DedupFinding, DedupForm, DedupJob

SCOPE = "identity:face-dedup"
blueprint = Blueprint("identity_face_dedup", __name__, url_prefix="", description="人脸查重 · Face de-duplication")


@blueprint.route("/face/dedup-jobs")
class DedupJobs(MethodView):
    @require(SCOPE, kinds=[Kind.OFFICIAL], authentication_level=2)
    @blueprint.arguments(DedupForm)
    @blueprint.response(202, DedupJob)
    def post(self, form: dict[str, Any]) -> FaceDedupJob:
        """Ask for a search; it runs once another official has approved."""
        return service.request(who=principal(), reason=form["reason"])


@blueprint.route("/face/dedup-jobs/<job_id>")
class OneDedupJob(MethodView):
    @require(SCOPE, kinds=[Kind.OFFICIAL], authentication_level=2)
    @blueprint.response(200, DedupJob)
    def get(self, job_id: str) -> FaceDedupJob:
        """Look at a search."""
        return service.look(job_id, who=principal())


@blueprint.route("/face/dedup-jobs/<job_id>/approvals")
class Approvals(MethodView):
    @require(SCOPE, kinds=[Kind.OFFICIAL], authentication_level=2)
    @blueprint.response(202, DedupJob)
    def post(self, job_id: str) -> FaceDedupJob:
        """Approve a search that another official asked for."""
        return service.approve(job_id, who=principal())


@blueprint.route("/face/dedup-jobs/<job_id>/findings")
class Findings(MethodView):
    @writes_on_get
    @require(SCOPE, kinds=[Kind.OFFICIAL], authentication_level=2)
    @blueprint.response(200, DedupFinding(many=True))
    def get(self, job_id: str) -> Sequence[FaceDedupFinding]:
        """Read which persons are alike; each of them sees that you did."""
        return service.findings(job_id, who=principal())
