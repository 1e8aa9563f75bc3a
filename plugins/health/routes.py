"""Addresses of the health plugin, below /api/health."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.api import Blueprint, Kind, PageArgs, key_of_request, principal, require
from plugins.health import schemas
from plugins.health.service import catalogue, entitlement, quotes, receipts, settlements, undoing
from plugins.health.service.settlements import Intent

blueprint = Blueprint("health", __name__, url_prefix="", description="医保购药 · Medicine on medical insurance")


@blueprint.route("/medicines")
class Medicines(MethodView):
    @require("health:read")
    @blueprint.arguments(schemas.MedicineQuery, location="query")
    @blueprint.response(200, schemas.MedicinePage)
    def get(self, query: dict[str, Any]) -> Any:
        """Search the medicines the insurance pays for."""
        return catalogue.search(**query)


@blueprint.route("/eligibility")
class Eligibility(MethodView):
    @require("health:settle", kinds=[Kind.TERMINAL])
    @blueprint.arguments(schemas.EligibilityForm)
    @blueprint.response(200, schemas.Eligibility)
    def post(self, form: dict[str, Any]) -> dict[str, Any]:
        """Ask whether the insurance pays for the person before the terminal."""
        found, _ = entitlement.ask(who=principal(), proof=form["proof"])
        return {"eligible": True, "scheme": found.scheme}


@blueprint.route("/quotes")
class Quotes(MethodView):
    @require("health:settle", kinds=[Kind.TERMINAL])
    @blueprint.arguments(schemas.QuoteForm)
    @blueprint.response(201, schemas.Quote)
    def post(self, form: dict[str, Any]) -> Any:
        """Compute who would pay how much; charges nothing."""
        lines = [quotes.Wanted(**{**line, "trace_codes": tuple(line["trace_codes"])}) for line in form["lines"]]
        return quotes.make(who=principal(), proof=form["proof"], lines=lines)


@blueprint.route("/settlements")
class Settlements(MethodView):
    @require("health:settle", kinds=[Kind.TERMINAL])
    @blueprint.arguments(schemas.SettlementForm)
    @blueprint.response(201, schemas.Settlement)
    @blueprint.alt_response(202, schema=schemas.Settlement, description="Not final yet: ask at `Location`")
    def post(self, form: dict[str, Any]) -> Any:
        """Settle a confirmed quote, once per Idempotency-Key."""
        intent = Intent(key=key_of_request(), **form)
        return _answer(settlements.settle(who=principal(), intent=intent))

    @require("health:read", kinds=[Kind.TERMINAL])
    @blueprint.arguments(schemas.KeyQuery, location="query")
    @blueprint.response(200, schemas.Settlement)
    def get(self, query: dict[str, Any]) -> Any:
        """Find the settlement of an Idempotency-Key, for ever."""
        return receipts.view(settlements.by_key(query["key"], who=principal()))


@blueprint.route("/settlements/<settlement_id>")
class OneSettlement(MethodView):
    @require("health:read", kinds=[Kind.TERMINAL])
    @blueprint.response(200, schemas.Settlement)
    def get(self, settlement_id: str) -> Any:
        """Look at a settlement of this pharmacy."""
        return receipts.view(settlements.of(settlement_id, who=principal()))


@blueprint.route("/settlements/<settlement_id>/undo")
class Undo(MethodView):
    @require("health:undo", kinds=[Kind.TERMINAL])
    @blueprint.response(200, schemas.Settlement)
    @blueprint.alt_response(202, schema=schemas.Settlement, description="Not final yet: ask at `Location`")
    def post(self, settlement_id: str) -> Any:
        """Take a whole settlement back, once: packs and money return."""
        row = undoing.undo(settlement_id, who=principal())
        address = {"Location": f"/api/health/settlements/{row.id}"}
        if row.ended_at is None:
            return receipts.view(row), 202, {**address, "Retry-After": "1"}
        return receipts.view(row), 200, address


@blueprint.route("/me/settlements")
class MySettlements(MethodView):
    @require("health:read", kinds=[Kind.CITIZEN])
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.response(200, schemas.SettlementPage)
    def get(self, query: dict[str, Any]) -> Any:
        """See one's own purchases, newest first."""
        found = settlements.bought_by(principal().subject or "", **query)
        return {"items": [receipts.view(row) for row in found.items], "next_cursor": found.next_cursor}


def _answer(row: Any) -> Any:
    seen = receipts.effective(row)
    address = {"Location": f"/api/health/settlements/{row.id}"}
    return (seen, 201, address) if row.ended_at is not None else (seen, 202, {**address, "Retry-After": "1"})
