"""Identity's JSON routes: the citizen's own affairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.crypto import Vault
from app.errors import NotSignedIn
from app.guards import Kind, Principal, principal, require
from app.hotpath.declare import hot_read
from app.paging import Page
from identity import activity
from identity.parties.service import OWN_PROFILE, OwnProfile, opened_profile, own_profile
from identity.schemas import ActivityArgs, ActivitySchema, MeSchema

blueprint = Blueprint("identity", __name__, description="One's own identity")


def _shown(who: Principal, profile: OwnProfile) -> dict[str, Any]:
    return {
        "id": who.subject,
        "name": profile.name,
        "mobile_tail": profile.mobile_tail,
        "area": profile.area,
        "proofing_level": profile.proofing_level,
        "authentication_level": who.authentication_level,
    }


def _shown_row(who: Principal, row: Mapping[str, Any], vault: Vault) -> dict[str, Any]:
    return _shown(who, opened_profile(who.party or "", row, vault))


@blueprint.route("/me")
class Me(MethodView):
    @require("profile", kinds=[Kind.CITIZEN])
    @blueprint.response(200, MeSchema)
    @hot_read(MeSchema, OWN_PROFILE, show=_shown_row)
    def get(self) -> dict[str, Any]:
        """Return the caller's own profile, masked"""
        return _shown(principal(), own_profile(_party()))


@blueprint.route("/me/activity")
class Activity(MethodView):
    @require("profile", kinds=[Kind.CITIZEN])
    @blueprint.arguments(ActivityArgs, location="query")
    @blueprint.response(200, ActivitySchema)
    def get(self, args: dict[str, Any]) -> Page[dict[str, Any]]:
        """Return who looked at the caller's data"""
        return activity.page_of(_party(), **args)


def _party() -> str:
    party = principal().party
    if party is None:
        raise NotSignedIn
    return party
