"""The command lines and the environment of Suxin's own processes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from app.config import Settings
from app.runtime.paths import CLONE


def environment(
    settings: Settings, state: Path, keys: Path, *, database: str, broker: str, demo: bool
) -> dict[str, str]:
    """Return the environment of every process: ours, with the choices made here."""
    path = os.environ.get("PYTHONPATH", "")
    return {
        # One thread a library: two cores are shared by all processes.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        **os.environ,
        "PYTHONPATH": f"{CLONE}{os.pathsep}{path}" if path else str(CLONE),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "SUXIN_DATABASE_URL": database,
        "SUXIN_BROKER_URL": broker,
        "SUXIN_KEY_FILE": str(keys),
        "SUXIN_STATE_DIR": str(state),
        "SUXIN_PORT": str(settings.port),
        "SUXIN_BASE_URL": settings.base_url,
        "SUXIN_DEMO": "1" if demo or settings.demo else "0",
        "PROMETHEUS_MULTIPROC_DIR": str(_emptied(state / "metrics")),
    }


def _emptied(folder: Path) -> Path:
    # What dead processes counted would otherwise be added to the living for ever.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def web() -> list[str]:
    """Return the web server."""
    return [sys.executable, "-m", "app.runtime.web"]


def worker(settings: Settings, queues: list[str]) -> list[str]:
    """Return the Celery worker of every queue."""
    return [
        sys.executable, "-m", "celery", "-A", "wsgi:celery", "worker", "--concurrency", "1", "--loglevel", "WARNING",
        "--queues", ",".join(queues), "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip


def beat(state: Path) -> list[str]:
    """Return the Celery clock, its diary in the state folder."""
    folder = state / "beat"
    folder.mkdir(mode=0o700, exist_ok=True)
    return [
        sys.executable, "-m", "celery", "-A", "wsgi:celery", "beat", "--loglevel", "WARNING",
        "--schedule", str(folder / "schedule"), "--pidfile", "",
    ]  # fmt: skip


def relay() -> list[str]:
    """Return the outbox relay and audit sealer."""
    return [sys.executable, "-m", "app.relay"]


def story(base_url: str) -> list[str]:
    """Return the demo's story, a client that knows the API only."""
    return [sys.executable, "-m", "demo.story", "--base-url", base_url]


def simulator(module: str) -> list[str]:
    """Return an outside party played on this machine."""
    return [sys.executable, "-m", module]


def simulator_variable(plugin: str, name: str) -> str:
    """Return the variable that tells a plugin its simulator's socket."""
    return f"SUXIN_{plugin}_{name}_SOCKET".upper().replace("-", "_")


def simulator_environment(env: Mapping[str, str], *, database: str, socket: Path) -> dict[str, str]:
    """Return what an outside party may know: its own database and socket, none of our secrets."""
    kept = {name: value for name, value in env.items() if not name.startswith("SUXIN_")}
    return kept | {"SUXIN_SIMULATOR_DATABASE_URL": database, "SUXIN_SIMULATOR_SOCKET": str(socket)}
