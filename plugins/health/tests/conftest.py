"""The real simulator process on a database of its own, and an app that talks to it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url


@dataclass(frozen=True)
class Simulated:
    """A running simulator: its socket, its database."""

    socket: str
    database: str

    def misbehave(self, kind: str, *, transaction: str = "2102", **more: Any) -> None:
        """Plan one misbehaviour."""
        self._control({"kind": kind, "transaction": transaction, **more})

    def behave(self) -> None:
        """Forget all planned misbehaviour."""
        self._control({"clear": True})

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the insurer's own books."""
        with psycopg.connect(self.database) as books:
            return books.execute(query).fetchall()

    def _control(self, body: dict[str, Any]) -> None:
        with httpx.Client(transport=httpx.HTTPTransport(uds=self.socket), trust_env=False) as client:
            client.post("http://insurer/control", json=body).raise_for_status()


@pytest.fixture(scope="session")
def insurer_process(base_server: str) -> Iterator[Simulated]:
    """One simulator process for all tests of a worker."""
    name = f"insurer_{uuid4().hex[:10]}"
    with psycopg.connect(base_server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = make_url(base_server).set(database=name).render_as_string(hide_password=False)
    with tempfile.TemporaryDirectory(prefix="insurer-") as folder:
        socket = str(Path(folder) / "http.sock")
        env = {**os.environ, "SUXIN_SIMULATOR_DATABASE_URL": url, "SUXIN_SIMULATOR_SOCKET": socket}
        process = subprocess.Popen([sys.executable, "-m", "plugins.health.insurer.simulator"], env=env)
        try:
            _await(socket, process)
            yield Simulated(socket, url)
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture
def simulated(insurer_process: Simulated, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    """The simulator, well behaved, as the insurer of the app under test."""
    monkeypatch.setenv("SUXIN_HEALTH_INSURER_SOCKET", insurer_process.socket)
    monkeypatch.setenv("SUXIN_HEALTH_SETTLE_DEADLINE_SECONDS", "1")
    yield insurer_process
    insurer_process.behave()


def _await(socket: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(2400):
        if process.poll() is not None:
            raise RuntimeError("the simulator ended")
        if Path(socket).exists():
            return
        time.sleep(0.05)
    raise RuntimeError("the simulator does not answer")
