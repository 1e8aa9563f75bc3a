"""Cards: entered at the window, given a PIN and blocked by their owners. Below /api/identity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.errors import NotAllowed
from app.guards import Kind, principal, require
from identity.cards import service
from identity.cards.models import PresenceCard
from identity.cards.schemas import Card, CardForm, IssuedCard, PinForm

blueprint = Blueprint("identity_cards", __name__, url_prefix="", description="卡证 · Cards")


@blueprint.route("/cards")
class Cards(MethodView):
    @require("identity:cards", kinds=[Kind.CITIZEN])
    @blueprint.response(200, Card(many=True))
    def get(self) -> Sequence[PresenceCard]:
        """List the own cards."""
        return service.cards_of(_self())

    @require("identity:cards-issue", kinds=[Kind.OFFICIAL], authentication_level=2)
    @blueprint.arguments(CardForm)
    @blueprint.response(201, IssuedCard)
    def post(self, form: dict[str, Any]) -> PresenceCard:
        """Enter a card that was handed to a citizen."""
        return service.issue(**form)


@blueprint.route("/cards/<card_id>/pin")
class Pin(MethodView):
    @require("identity:cards", kinds=[Kind.CITIZEN])
    @blueprint.arguments(PinForm)
    @blueprint.response(204)
    def put(self, form: dict[str, Any], card_id: str) -> None:
        """Set the own card's PIN."""
        service.set_pin(card_id, form["pin"], person=_self())


@blueprint.route("/cards/<card_id>")
class OneCard(MethodView):
    @require("identity:cards", kinds=[Kind.CITIZEN])
    @blueprint.response(204)
    def delete(self, card_id: str) -> None:
        """Block the own card, for good."""
        service.block(card_id, person=_self())


def _self() -> str:
    party = principal().party
    if party is None:
        raise NotAllowed()
    return party
