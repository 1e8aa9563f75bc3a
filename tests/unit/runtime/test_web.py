"""The served city: built once, forked into workers that share nothing but memory."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from app.runtime.owner import key_file

WEB = [sys.executable, "-m", "app.runtime.web"]
PATIENCE_SECONDS = 60


@pytest.fixture
def served(state: Path, database_url: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "SUXIN_DATABASE_URL": database_url, "SUXIN_KEY_FILE": str(key_file(state)), "SUXIN_PORT": str(port),
        "SUXIN_DEMO": "1", "SUXIN_WEB_WORKERS": "2",
    }  # fmt: skip
    with (state / "web.log").open("wb") as log:
        process = subprocess.Popen(WEB, env={**os.environ, **settings}, stdout=log, stderr=log, start_new_session=True)
    yield process, f"http://127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.05)


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def workers(parent: int) -> set[int]:
    return {int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()}


def connections(url: str) -> set[int]:
    with psycopg.connect(url) as link:
        rows = link.execute("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'suxin%'").fetchall()
    return {pid for (pid,) in rows}


def test_no_connection_of_the_parent_is_left_when_workers_begin(
    served: tuple[subprocess.Popen[bytes], str], database_url: str
) -> None:
    before, (process, base) = connections(database_url), served

    until(lambda: answers(f"{base}/healthz"), "the server answers")

    assert len(workers(process.pid)) == 2
    assert connections(database_url) - before == set()
    httpx.get(f"{base}/readyz", timeout=30)
    assert len(connections(database_url) - before) == 1


def test_a_worker_that_is_killed_is_forked_anew(served: tuple[subprocess.Popen[bytes], str]) -> None:
    process, base = served
    until(lambda: answers(f"{base}/healthz"), "the server answers")
    first = workers(process.pid)

    os.kill(min(first), signal.SIGKILL)

    until(lambda: len(workers(process.pid) - first) == 1, "a new worker runs")
    until(lambda: answers(f"{base}/healthz"), "the server answers again")
    assert process.poll() is None
