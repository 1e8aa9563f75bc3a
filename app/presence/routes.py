"""Addresses of presence, below /api/presence."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.errors import NotAllowed
from app.guards import Kind, principal, require
from app.hotpath.write import hot_write
from app.idempotency import idempotent_when_asked
from app.presence import codes, proofs, service
from app.presence.models import PresenceSession
from app.presence.schemas import (
    Code,
    Confirmation,
    ConfirmationForm,
    Decision,
    EvidenceForm,
    OwnEvidenceForm,
    OwnSession,
    OwnSessionForm,
    Session,
    SessionForm,
    decision_of,
)

blueprint = Blueprint("presence", __name__, url_prefix="", description="实人核验 · Presence")


@blueprint.route("/sessions")
class Sessions(MethodView):
    @require("presence:verify", kinds=[Kind.TERMINAL])
    @idempotent_when_asked
    @blueprint.arguments(SessionForm)
    @blueprint.response(201, Session)
    @hot_write(
        form=SessionForm,
        shown=Session,
        table=PresenceSession.__table__,
        make=service.new_session,
        show=lambda row: {**row, "status": row["state"]},
    )
    def post(self, form: dict[str, Any]) -> PresenceSession:
        """Open a session for the customer before this terminal."""
        return service.open_session(who=principal(), **form)


@blueprint.route("/sessions/<session_id>")
class OneSession(MethodView):
    @require("presence:verify", kinds=[Kind.TERMINAL])
    @blueprint.response(200, Session)
    def get(self, session_id: str) -> PresenceSession:
        """Look at a session of this terminal."""
        return service.look(session_id, who=principal())


@blueprint.route("/sessions/<session_id>/evidence")
class EvidenceOfSession(MethodView):
    @require("presence:verify", kinds=[Kind.TERMINAL])
    @blueprint.arguments(EvidenceForm)
    @blueprint.response(200, Decision)
    def post(self, form: dict[str, Any], session_id: str) -> dict[str, Any]:
        """Send the evidence, once, and get the decision."""
        outcome = service.judge(session_id, service.Sent(**form), who=principal())
        return decision_of(outcome.session, outcome.proof)


@blueprint.route("/own-sessions")
class OwnSessions(MethodView):
    @require("presence:self", kinds=[Kind.CITIZEN])
    @blueprint.arguments(OwnSessionForm)
    @blueprint.response(201, OwnSession)
    def post(self, form: dict[str, Any]) -> PresenceSession:
        """Open a session on the own phone; it says how to turn the head. Never for payment."""
        return service.open_own(who=principal(), purpose=form["purpose"])


@blueprint.route("/own-sessions/<session_id>/evidence")
class EvidenceOfOwnSession(MethodView):
    @require("presence:self", kinds=[Kind.CITIZEN])
    @blueprint.arguments(OwnEvidenceForm)
    @blueprint.response(200, Decision)
    def post(self, form: dict[str, Any], session_id: str) -> dict[str, Any]:
        """Send the pictures, once, and get the decision."""
        outcome = service.judge(session_id, service.Sent(method="face", frames=form["frames"]), who=principal())
        return decision_of(outcome.session, outcome.proof)


@blueprint.route("/proofs/<proof_id>/confirmations")
class Confirmations(MethodView):
    @require("presence:verify", kinds=[Kind.TERMINAL])
    @blueprint.arguments(ConfirmationForm)
    @blueprint.response(201, Confirmation)
    def post(self, form: dict[str, Any], proof_id: str) -> dict[str, Any]:
        """Bind a proof to what the customer confirmed by tap or PIN."""
        at = proofs.confirm(
            proof_id, terminal=service.terminal_of(principal()), digest=form["digest"], method=form["method"]
        )
        return {"proof": proof_id, "digest": form["digest"], "confirmed_at": at}


@blueprint.route("/codes")
class Codes(MethodView):
    @require("presence:code", kinds=[Kind.CITIZEN])
    @blueprint.response(201, Code)
    def post(self) -> codes.IssuedCode:
        """Get a one-time code to show at a terminal; it lives a minute."""
        party = principal().party
        if party is None:
            raise NotAllowed()
        return codes.issue(party=party)
