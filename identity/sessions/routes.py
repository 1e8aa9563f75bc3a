"""One's own sessions for the city's app; tickets for windows and terminals."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.errors import NotFound, NotSignedIn
from app.guards import Kind, principal, require
from identity.sessions import service, tickets
from identity.sessions.schemas import SessionsSchema, TicketForm, TicketSchema

SCOPE = "identity:sessions"
blueprint = Blueprint("identity_sessions", __name__, description="登录的设备 · Sessions and tickets")


@blueprint.route("/me/sessions")
class Sessions(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(200, SessionsSchema)
    def get(self) -> dict[str, Any]:
        """Return where the caller is logged in."""
        return {"items": service.of_person(_party())}

    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(204)
    def delete(self) -> None:
        """Log the caller out everywhere; tokens given out through these sessions end too."""
        service.end_all(_party())


@blueprint.route("/me/sessions/<session_id>")
class OneSession(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN])
    @blueprint.response(204)
    def delete(self, session_id: str) -> None:
        """Log one browser out."""
        if not service.end_own(session_id, person_id=_party()):
            raise NotFound


@blueprint.route("/tickets")
class Assistance(MethodView):
    @require("identity:assist", kinds=[Kind.OFFICIAL])
    @blueprint.arguments(TicketForm)
    @blueprint.response(201, TicketSchema)
    def post(self, form: dict[str, Any]) -> tickets.Issued:
        """Hand a ticket to the person at the window; that person gets a notice."""
        return _issue(form)


@blueprint.route("/recovery-tickets")
class Recovery(MethodView):
    @require("identity:recovery", kinds=[Kind.TERMINAL])
    @blueprint.arguments(TicketForm)
    @blueprint.response(201, TicketSchema)
    def post(self, form: dict[str, Any]) -> tickets.Issued:
        """Hand a recovery ticket to the person whom this terminal has just recognised."""
        return _issue(form)


def _issue(form: dict[str, Any]) -> tickets.Issued:
    checked = tickets.Checked(
        proof=form.get("proof"), terminal=form.get("terminal"), resident_id=form.get("resident_id")
    )
    return tickets.issue(form["kind"], checked, reason=form["reason"], who=principal())


def _party() -> str:
    party = principal().party
    if party is None:
        raise NotSignedIn
    return party
