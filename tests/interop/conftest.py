"""One served city for all foreign libraries; what is not installed is skipped, with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.interop import programs
from tests.interop.citizen import Citizen
from tests.served import City, served_city

Program = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    # A short path: sockets below it have a limit.
    with TemporaryDirectory(prefix="suxin-") as folder, served_city(Path(folder)) as served:
        yield served


@pytest.fixture(scope="session")
def node() -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (programs.NODE / "node_modules").is_dir():
        pytest.skip("the Node libraries are not installed: npm ci in tests/interop/node")


@pytest.fixture
def citizen(city: City) -> Iterator[Citizen]:
    person = Citizen(city)
    yield person
    person.http.close()


@pytest.fixture
def program(node: None, city: City, citizen: Citizen) -> Program:
    """Return how one of the Node programs runs: with the demo's export, a client of it, and a person at a browser."""

    def run(name: str, client: dict[str, Any], **more: Any) -> dict[str, Any]:
        given = {"issuer": city.world["issuer"], "client": client, **more}
        answers = {
            "visit": lambda address: {"callback": citizen.visit(address)},
            "type": lambda address, name, value: {"page": citizen.type_code(address, name, value)},
        }
        return programs.run(name, given, answers)

    return run
