"""JSON routes about one's own proofing; nobody is proven by somebody else, except at a window."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.errors import language
from app.guards import Kind, own_party, principal, require
from identity.parties import assistance, people
from identity.proofing import levels, schemas, service
from identity.proofing.terms import Document

blueprint = Blueprint("identity_proofing", __name__, description="Real-name proofing")
SCOPE = "identity:proofing"
_own = require(SCOPE, kinds=[Kind.CITIZEN], own_affairs=True)


@blueprint.route("/me/proofing")
class Proofing(MethodView):
    @_own
    @blueprint.response(200, schemas.ProofingSchema)
    def get(self) -> dict[str, Any]:
        """Return the caller's level, how it came about, and the ways higher"""
        return shown(own_party())


@blueprint.route("/me/proofing/matches")
class Matches(MethodView):
    @_own
    @blueprint.response(200, schemas.ProofingSchema)
    def post(self) -> dict[str, Any]:
        """Match the stated name and number with the population register: level 3"""
        service.match(own_party())
        return shown(own_party())


@blueprint.route("/me/proofing/documents")
class Documents(MethodView):
    @_own
    @blueprint.arguments(schemas.DocumentSchema)
    @blueprint.response(200, schemas.ProofingSchema)
    def post(self, form: dict[str, Any]) -> dict[str, Any]:
        """Match the identity card, too: level 4"""
        service.show_document(own_party(), Document(**form))
        return shown(own_party())


@blueprint.route("/me/proofing/network-identity")
class NetworkIdentity(MethodView):
    @_own
    @blueprint.arguments(schemas.NetworkTicketSchema)
    @blueprint.response(200, schemas.ProofingSchema)
    def post(self, form: dict[str, Any]) -> dict[str, Any]:
        """Use the national network identity, by choice: level 4"""
        service.show_ticket(own_party(), form["ticket"])
        return shown(own_party())

    @_own
    @blueprint.response(204)
    def delete(self) -> None:
        """Stop using the national network identity"""
        service.forget_network_identity(own_party())


@blueprint.route("/assistances/<assistance_id>/proofing")
class AtWindow(MethodView):
    @require(SCOPE, kinds=[Kind.CITIZEN, Kind.OFFICIAL], own_affairs=True)
    @blueprint.response(204)
    def post(self, assistance_id: str) -> None:
        """State, as window staff, that person and card were seen: level 5"""
        held = assistance.running(assistance_id, staff=principal().actor)
        service.see_at_window(held.person_id, staff=held.staff_id, place=held.place)


def shown(person_id: str) -> dict[str, Any]:
    """Return what a person sees of their own proofing."""
    person, tongue = people.active(person_id), language()
    level = person.proofing_level if person is not None else 1
    return {
        "level": level,
        "words": levels.WORDS[level].to(tongue),
        "acr": levels.acr(level),
        "network_identity": service.has_network_identity(person_id),
        "ways": [
            {"method": way.method, "level": way.level, "title": way.title.to(tongue)} for way in levels.open_to(level)
        ],
        "events": service.events(person_id),
    }
