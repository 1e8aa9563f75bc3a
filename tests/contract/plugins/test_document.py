"""The OpenAPI documents: owners kept apart, one error shape, and who may call each operation."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException

from app import guards
from app.registry.openapi import plugin_api
from app.registry.refusal import Stage
from app.text import Text
from tests.contract.plugins.installation import ROOT
from tests.contract.plugins.small_city import made, mounted


def with_permit(name: str) -> Flask:
    return mounted(*(_permit_plugin(each) for each in name.split()))[0]


def _permit_plugin(name: str):  # type: ignore[no-untyped-def]
    blueprint = Blueprint(name, __name__)

    class Permit(Schema):
        number = fields.Integer()

    @blueprint.route("/permits")
    class Permits(MethodView):
        @guards.public(because="a test")
        @blueprint.response(200, Permit)
        def get(self) -> dict[str, int]:
            return {"number": 1}

    return made(name, blueprints=(blueprint,))


def test_equal_schema_names_of_two_plugins_are_told_apart() -> None:
    app = with_permit("housing zoo")

    named = app.test_client().get("/openapi.json").get_json()["components"]["schemas"]

    assert {"HousingPermit", "ZooPermit"} <= set(named)


def test_each_plugin_has_a_document_of_its_own_routes() -> None:
    app = with_permit("housing zoo")

    with app.app_context():
        document = plugin_api("zoo")

    assert document is not None
    assert list(document["paths"]) == ["/api/zoo/permits"]


def test_no_document_takes_over_the_errors_of_the_app() -> None:
    app = with_permit("housing zoo")

    handlers = app.error_handler_spec[None][None]

    assert handlers[HTTPException].__module__ == "app.errors"


def test_the_order_in_which_plugins_are_found_changes_nothing() -> None:
    one, other = with_permit("housing zoo"), with_permit("zoo housing")

    assert one.test_client().get("/openapi.json").data == other.test_client().get("/openapi.json").data


@pytest.fixture(scope="module")
def guarded() -> tuple[dict[str, Any], dict[str, Any]]:
    """The city's document and the plugin's own, of a plugin with guarded routes."""
    blueprint = Blueprint("housing", __name__)

    @blueprint.route("/flats")
    class Flats(MethodView):
        @guards.public(because="a test")
        @blueprint.response(200)
        def get(self) -> dict[str, str]:
            return {}

        @guards.require("housing:write", kinds=[guards.Kind.CITIZEN], proofing_level=2, purpose="housing:apply")
        @blueprint.response(201)
        def post(self) -> dict[str, str]:
            return {}

    @blueprint.delete("/flats/<int:number>")
    @guards.require()
    def drop(number: int) -> dict[str, str]:
        return {}

    app, _ = mounted(made("housing", blueprints=(blueprint,), scopes={"housing:write": Text("写入", "Write")}))
    with app.app_context():
        own = plugin_api("housing")
    assert own is not None
    return app.test_client().get("/openapi.json").get_json(), dict(own)


def test_each_operation_says_which_scopes_its_caller_needs(guarded: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for document in guarded:
        flats = document["paths"]["/api/housing/flats"]

        assert flats["get"]["security"] == []
        assert flats["post"]["security"] == [{"bearer": ["housing:write"]}]
        assert document["paths"]["/api/housing/flats/{number}"]["delete"]["security"] == [{"bearer": []}]
        assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_what_openapi_has_no_word_for_is_said_beside_it(guarded: tuple[dict[str, Any], dict[str, Any]]) -> None:
    post = guarded[0]["paths"]["/api/housing/flats"]["post"]

    assert post["x-suxin-access"] == {"kinds": ["citizen"], "proofing_level": 2, "purpose": "housing:apply"}


def test_every_operation_of_the_city_states_its_access(guarded: tuple[dict[str, Any], dict[str, Any]]) -> None:
    operations = [
        (path, method, operation)
        for path, methods in guarded[0]["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    ]

    assert len(operations) > 10
    assert [where for *where, operation in operations if "security" not in operation] == []


def test_errors_are_described_as_the_problems_that_are_sent(guarded: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for document in guarded:
        default = document["components"]["responses"]["DEFAULT_ERROR"]
        problem = document["components"]["schemas"]["Problem"]

        assert default["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        assert set(problem["required"]) == {"type", "title", "status", "next_step", "request_id"}
        assert problem["additionalProperties"] is True


def test_a_sent_problem_has_every_member_that_the_document_requires(
    guarded: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    app, _ = mounted()

    sent = app.test_client().get("/api/matters?limit=none").get_json()

    problem = guarded[0]["components"]["schemas"]["Problem"]
    assert set(problem["required"]) <= set(sent)
    assert set(sent) <= set(problem["properties"])


def test_guide_names_every_stage_at_which_a_plugin_can_be_refused() -> None:
    guide = (ROOT / "docs" / "plugins.md").read_text("utf-8")

    assert [stage.value for stage in Stage if f"| `{stage.value}` |" not in guide] == []
