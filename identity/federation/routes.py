"""The citizen's own say over which providers open their account."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import select

from app.db import session
from app.errors import NotFound, language
from app.guards import Kind, principal, require
from identity.accounts.models import Account
from identity.federation import links

blueprint = Blueprint("identity_providers", __name__, description="Log-in with outside providers")


class ProviderStandingSchema(Schema):
    key = fields.String(metadata={"example": "province"})
    title = fields.String(metadata={"example": "your provincial account (demo)"})
    linked = fields.Boolean(metadata={"description": "Has opened this account before", "example": True})
    allowed = fields.Boolean(metadata={"description": "May open this account", "example": True})
    used_at = fields.AwareDateTime(allow_none=True, metadata={"example": "2026-11-24T06:50:18+00:00"})


class ProviderStandingsSchema(Schema):
    items = fields.List(fields.Nested(ProviderStandingSchema))


@blueprint.route("/me/providers")
class Providers(MethodView):
    @require("identity:providers", kinds=[Kind.CITIZEN])
    @blueprint.response(200, ProviderStandingsSchema)
    def get(self) -> dict[str, Any]:
        """Return the outside providers that may open the caller's account"""
        return {"items": [_shown(each) for each in links.standings(_account().id)]}


@blueprint.route("/me/providers/<key>")
class OneProvider(MethodView):
    @require("identity:providers", kinds=[Kind.CITIZEN])
    @blueprint.response(204)
    def put(self, key: str) -> None:
        """Let a provider open the caller's account again"""
        links.turn_on(_account(), key)

    @require("identity:providers", kinds=[Kind.CITIZEN])
    @blueprint.response(204)
    def delete(self, key: str) -> None:
        """Unlink a provider: it opens the caller's account no more"""
        links.turn_off(_account(), key)


def _shown(standing: links.Standing) -> dict[str, Any]:
    return {
        "key": standing.offer.key,
        "title": standing.offer.title.to(language()),
        "linked": standing.linked,
        "allowed": standing.allowed,
        "used_at": standing.used_at,
    }


def _account() -> Account:
    found = session().scalars(select(Account).where(Account.person_id == principal().party).limit(1)).first()
    if found is None:
        raise NotFound
    return found
