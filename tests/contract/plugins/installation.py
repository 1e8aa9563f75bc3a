"""Runs the city's commands in processes of their own, with distributions really installed beside it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation: its environment variables and its database."""

    environment: dict[str, str]
    database_url: str

    def run(self, *module: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m` with further variables and return how it ended."""
        return subprocess.run(
            [sys.executable, "-m", *module], env={**self.environment, **variables}, cwd=ROOT, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip

    def suxin(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the `suxin` command."""
        return self.run("app.cli", *arguments, **variables)

    def states(self, **variables: str) -> dict[str, dict[str, Any]]:
        """Return what `suxin plugin list` says, by distribution."""
        done = self.suxin("plugin", "list", "--json", **variables)
        assert done.returncode == 0, done.stderr
        return {f"{state['distribution']}/{state['name']}": state for state in json.loads(last_line(done.stdout))}

    def city(self, *paths: str, **variables: str) -> dict[str, Any]:
        """Start the city once and return its answers, schedule and jobs."""
        done = self.run("tests.contract.plugins.city", *paths, **variables)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(last_line(done.stdout))
        return found


def last_line(text: str) -> str:
    """Return the last line a command printed."""
    return text.strip().splitlines()[-1]


@contextmanager
def installation(server: str, folder: Path, on_path: Sequence[Path]) -> Iterator[Installation]:
    """A migrated installation on a database of its own, with folders of installed distributions on its path."""
    name = f"suxin_plugins_{uuid4().hex[:12]}"
    key = folder / "keys"
    key.write_text(f"test:{base64.b64encode(os.urandom(32)).decode()}\n")
    key.chmod(0o600)
    path = os.pathsep.join([*map(str, on_path), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUXIN_")}
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    state = folder / "state"
    made = Installation(
        {**inherited, "PYTHONPATH": path, "SUXIN_DATABASE_URL": url, "SUXIN_KEY_FILE": str(key),
         "SUXIN_STATE_DIR": str(state), "SUXIN_LOG_LEVEL": "error"},
        url,
    )  # fmt: skip
    admin = make_url(server).set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            migrated = made.suxin("migrate")
            assert migrated.returncode == 0, migrated.stderr
            yield made
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
