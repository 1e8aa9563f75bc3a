"""`suxin plugin new` gives a plugin that passes `check`; documents keep owners and errors apart."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from flask import Flask
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException

from app import guards
from app.registry import scaffold
from app.registry.openapi import plugin_api
from app.runtime.embedded import embedded_postgres
from tests.contract.plugins.distributions import install
from tests.contract.plugins.test_broken_plugins import ROOT
from tests.contract.plugins.test_slots_and_upstream import made, mounted


def test_a_new_plugin_passes_check_at_once(tmp_path: Path) -> None:
    target = tmp_path / "installed"
    install([scaffold.write("housing", tmp_path)], target)
    with tempfile.TemporaryDirectory(prefix="suxin-") as state, embedded_postgres(Path(state), durable=False) as url:
        path = os.pathsep.join(filter(None, (str(target), str(ROOT), os.environ.get("PYTHONPATH"))))
        done = subprocess.run(
            [sys.executable, "-m", "tests.contract.plugins.city", "plugin", "check", "housing"],
            env={**os.environ, "PYTHONPATH": path, "SUXIN_DATABASE_URL": url}, cwd=ROOT, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed         migration drift" in done.stdout
    assert "failed" not in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("name", ["api", "identity", "Housing", "x", "../up", "a-b"])
def test_a_new_plugin_of_an_impossible_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(scaffold.CannotWrite):
        scaffold.write(name, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_new_plugin_is_never_written_over_another(tmp_path: Path) -> None:
    scaffold.write("housing", tmp_path)

    with pytest.raises(scaffold.CannotWrite):
        scaffold.write("housing", tmp_path)


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
