"""Identity's JSON routes: the citizen's own affairs."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.errors import NotSignedIn
from app.guards import Kind, principal, require
from identity import activity
from identity.parties.service import own_profile
from identity.schemas import ActivitySchema, MeSchema

blueprint = Blueprint("identity", __name__, description="One's own identity")


@blueprint.route("/me")
class Me(MethodView):
    @require("profile", kinds=[Kind.CITIZEN])
    @blueprint.response(200, MeSchema)
    def get(self) -> dict[str, Any]:
        """Return the caller's own profile, masked"""
        who = principal()
        found = own_profile(_party())
        return {
            "id": who.subject,
            "name": found.name,
            "mobile_tail": found.mobile_tail,
            "area": found.area,
            "proofing_level": found.proofing_level,
            "authentication_level": who.authentication_level,
        }


@blueprint.route("/me/activity")
class Activity(MethodView):
    @require("profile", kinds=[Kind.CITIZEN])
    @blueprint.response(200, ActivitySchema)
    def get(self) -> dict[str, Any]:
        """Return who looked at the caller's data"""
        return {"items": activity.of(_party())}


def _party() -> str:
    party = principal().party
    if party is None:
        raise NotSignedIn
    return party
