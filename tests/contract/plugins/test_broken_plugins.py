"""Broken and good distributions, really installed: the broken are named, all else serves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from app.registry.commands import doctor
from tests.contract.plugins.distributions import BROKEN, GOOD
from tests.contract.plugins.installation import Installation
from tests.contract.plugins.small_city import made, mounted

STOLEN = {"stolen": "alpha", "squatter": "health"}


@pytest.fixture(scope="session")
def listed(crowded: Installation) -> dict[str, dict[str, Any]]:
    return crowded.states()


@pytest.fixture(scope="session")
def answers(crowded: Installation) -> dict[str, int]:
    names = (*GOOD, *BROKEN)
    found: dict[str, int] = crowded.city(
        "/healthz", "/openapi.json", "/api/matters/mine", "/api/health/hello", *(f"/api/{name}/hello" for name in names)
    )["answers"]
    return found


@pytest.mark.parametrize(("name", "stage"), BROKEN.items())
def test_broken_plugin_is_refused_at_its_stage_with_its_distribution(
    listed: dict[str, dict[str, Any]], name: str, stage: str
) -> None:
    state = listed[f"acme-{name}/{STOLEN.get(name, name)}"]

    assert (state["state"], state["stage"], state["version"]) == ("refused", stage, "0.3.1")
    assert state["reason"]


def test_reason_of_a_bad_declaration_names_the_type(listed: dict[str, dict[str, Any]]) -> None:
    assert "endless" in listed["acme-baddeclaration/baddeclaration"]["reason"]


@pytest.mark.parametrize("name", GOOD)
def test_good_plugin_is_mounted_among_the_broken(listed: dict[str, dict[str, Any]], name: str) -> None:
    state = listed[f"acme-{name}/{name}"]

    assert (state["state"], state["stage"]) == ("mounted", None)


def test_the_citys_own_plugins_are_mounted_among_the_broken(listed: dict[str, dict[str, Any]]) -> None:
    assert {listed[f"suxin/{name}"]["state"] for name in ("identity", "health")} == {"mounted"}


def test_core_and_good_plugins_serve_beside_the_broken(answers: dict[str, int]) -> None:
    assert answers["/healthz"] == answers["/openapi.json"] == 200
    assert [answers[f"/api/{name}/hello"] for name in GOOD] == [200, 200]


def test_no_route_of_a_refused_plugin_is_live(answers: dict[str, int]) -> None:
    assert {answers[f"/api/{name}/hello"] for name in BROKEN} == {404}
    assert answers["/api/health/hello"] == answers["/api/matters/mine"] == 404


def test_doctor_names_every_broken_plugin_and_ends_with_1(crowded: Installation) -> None:
    done = crowded.suxin("plugin", "doctor")

    assert done.returncode == 1
    for name, stage in BROKEN.items():
        assert f"see docs/plugins.md, stage {stage}, or: suxin plugin check {STOLEN.get(name, name)}" in done.stdout


def test_doctor_ends_with_0_where_all_is_well() -> None:
    city, _ = mounted(made("housing"), made("zoo"))

    done = CliRunner().invoke(doctor, obj=SimpleNamespace(app=lambda: city))

    assert (done.exit_code, done.output.strip().splitlines()[-1]) == (0, "3 plugins are mounted and well")
