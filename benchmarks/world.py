"""What a run stands on: a cluster with the city's tables, seeded rows, keys, and a token of a citizen."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.schema import CreateSchema

from benchmarks import machine
from benchmarks.client import Target
from benchmarks.cluster import cluster

PARTY = "party_bench"
ROWS = 20_000
ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class World:
    """A prepared database and what servers need to use it."""

    url: str
    postmaster: int
    folder: Path
    environment: dict[str, str]

    def token(self) -> str:
        """Return a fresh access token of the benchmark's citizen, signed by the city's own key."""
        from benchmarks.city import SCOPE, make_app

        os.environ.update(self.environment)
        app = make_app()
        from app.db import now, unit_of_work
        from identity.oidc import tokens
        from identity.oidc.access import Wanted
        from identity.oidc.models import AuthorizationGrant

        with app.app_context(), unit_of_work():
            grant = AuthorizationGrant(
                id="grant_bench", access={"suxin": [SCOPE]}, person_id=PARTY, client_id="bench",
                authorization_details=[], proofing_level=2, authentication_level=2, authenticated_at=now(),
            )  # fmt: skip
            token = tokens.for_citizen(grant, Wanted("suxin", (SCOPE,)))
        app.extensions["suxin.db"].dispose()
        return token


@contextmanager
def prepared() -> Iterator[World]:
    """Start a cluster and fill it."""
    with tempfile.TemporaryDirectory(prefix="sxw") as name, cluster() as (url, pid):
        folder = Path(name)
        keys = folder / "keys"
        keys.write_text(f"k1:{base64.b64encode(os.urandom(32)).decode()}\n")
        machine.pin(pid, 1)
        environment = {
            "SUXIN_DATABASE_URL": url,
            "SUXIN_KEY_FILE": str(keys),
            "SUXIN_BASE_URL": "http://127.0.0.1:8000",
            "SUXIN_DEMO": "1",
        }
        _seed(url)
        yield World(url, pid, folder, environment)


def _seed(url: str) -> None:
    from app.migrations.run import upgrade
    from app.owners import owners
    from benchmarks import city

    failures = upgrade(url, owners())
    if failures:
        raise RuntimeError(f"migrations failed: {failures}")
    engine = sa.create_engine(_driver(url))
    with engine.begin() as connection:
        connection.execute(CreateSchema("bench"))
        city.Base.metadata.create_all(connection)
        connection.execute(
            sa.text(
                "insert into bench.certificate select 'cert_' || n, :party, 'business_licence', '营业执照 ' || n,"
                " '宿迁市市场监督管理局', 'valid', 3, timestamptz '2024-01-01 08:00+08',"
                " timestamptz '2034-01-01 08:00+08'"
                " from generate_series(1, :rows) n"
            ),
            {"party": PARTY, "rows": ROWS},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze"))
    engine.dispose()


def _driver(url: str) -> sa.URL:
    return sa.make_url(url).set(drivername="postgresql+psycopg")


@dataclass(slots=True)
class Server:
    """A running server process."""

    target: Target
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody uses."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def served(command: list[str], port: int, environment: Mapping[str, str], *, cwd: Path = ROOT) -> Iterator[Server]:
    """Run a server until the block ends; ready when its port answers."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait(process, port, output)
            machine.pin(process.pid, 0)
            yield Server(Target(port), process)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def city_server(
    world: World, *, hot: bool = False, threads: int = 1, module: str = "benchmarks.city"
) -> Iterator[Server]:
    """Serve a module's `make_app` by granian: one worker on one core."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",  # noqa: E501
        "--blocking-threads", str(threads), "--no-ws", "--log-level", "error", "--factory", f"{module}:make_app",
    ]  # fmt: skip
    with served(command, port, {**world.environment, "SUXIN_BENCH_HOT": "1" if hot else "0"}) as server:
        yield server


def _wait(process: subprocess.Popen[bytes], port: int, output: IO[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    output.seek(0)
    raise RuntimeError("server did not start: " + output.read()[-2000:].decode(errors="replace"))
