"""Twelve broken and two good distributions, really installed: the broken are named, all else serves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.runtime.embedded import embedded_postgres
from tests.contract.plugins.distributions import BROKEN, GOOD, install, write

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment variables of a process that has all fourteen installed."""
    folder = tmp_path_factory.mktemp("distributions")
    target = folder / "installed"
    install([write(name, folder) for name in (*GOOD, *BROKEN)], target)
    with tempfile.TemporaryDirectory(prefix="suxin-") as state, embedded_postgres(Path(state), durable=False) as url:
        path = os.pathsep.join(filter(None, (str(target), str(ROOT), os.environ.get("PYTHONPATH"))))
        yield {**os.environ, "PYTHONPATH": path, "SUXIN_DATABASE_URL": url}


def city(environment: dict[str, str], *arguments: str) -> Any:
    command = [sys.executable, "-m", "tests.contract.plugins.city", *arguments]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="session")
def listed(environment: dict[str, str]) -> list[dict[str, Any]]:
    states: list[dict[str, Any]] = city(environment, "plugin", "list", "--json")
    return states


@pytest.fixture(scope="session")
def answers(environment: dict[str, str]) -> dict[str, int]:
    names = (*GOOD, *BROKEN)
    paths = ["/api/core", "/openapi.json", "/api/matters/mine", *(f"/api/{name}/hello" for name in names)]
    found: dict[str, int] = city(environment, "get", *paths)
    return found


@pytest.mark.parametrize(("name", "stage"), BROKEN.items())
def test_broken_plugin_is_refused_at_its_stage_with_its_distribution(
    listed: list[dict[str, Any]], name: str, stage: str
) -> None:
    state = next(each for each in listed if each["distribution"] == f"acme-{name}")

    assert (state["state"], state["stage"], state["version"]) == ("refused", stage, "0.3.1")
    assert state["reason"]


@pytest.mark.parametrize("name", GOOD)
def test_good_plugin_is_mounted_among_the_broken(listed: list[dict[str, Any]], name: str) -> None:
    state = next(each for each in listed if each["distribution"] == f"acme-{name}")

    assert (state["name"], state["state"], state["stage"]) == (name, "mounted", None)


def test_core_and_good_plugins_serve_beside_the_broken(answers: dict[str, int]) -> None:
    assert answers["/api/core"] == answers["/openapi.json"] == 200
    assert [answers[f"/api/{name}/hello"] for name in GOOD] == [200, 200]


def test_no_route_of_a_refused_plugin_is_live(answers: dict[str, int]) -> None:
    assert {answers[f"/api/{name}/hello"] for name in BROKEN} == {404}
    assert answers["/api/matters/mine"] == 404
