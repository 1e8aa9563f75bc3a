"""The first command: one `suxin up --demo` on an empty folder plays the main job to its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

UP = [sys.executable, "-m", "app.runtime.up", "--demo"]


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    with TemporaryDirectory(prefix="suxin-") as folder:
        yield Path(folder) / "state"


def _environment(state: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SUXIN_")}
    return {**kept, "SUXIN_STATE_DIR": str(state), "SUXIN_PORT": str(port)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def told(state: Path) -> subprocess.CompletedProcess[str]:
    """The story played once on the empty folder; here, because the tests may run in any order and process."""
    return subprocess.run(
        [*UP, "--once"], env=_environment(state, _free_port()), capture_output=True, text=True, timeout=180, check=False
    )


def test_the_story_ends_well_on_an_empty_folder(told: subprocess.CompletedProcess[str]) -> None:
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-2000:]
    assert "all 16 steps as expected" in told.stdout


@pytest.mark.usefixtures("told")
def test_no_citizens_identity_lies_in_a_log(state: Path) -> None:
    from demo import world

    logs = b"".join(path.read_bytes() for path in sorted((state / "logs").iterdir()))
    words = [word for citizen in world.load().citizens for word in (citizen.name, citizen.resident_id, citizen.mobile)]

    assert len(logs) > 1000
    assert [word for word in words if word.encode() in logs] == []


def test_a_city_killed_outright_starts_again_and_keeps_its_settlements(state: Path) -> None:
    first = _served(state)
    os.kill(first.pid, signal.SIGKILL)
    first.wait(10)

    second = _served(state)
    second.send_signal(signal.SIGINT)

    assert second.wait(120) == 0


def _served(state: Path) -> subprocess.Popen[bytes]:
    port = _free_port()
    city = subprocess.Popen(
        [*UP, "--once"], env=_environment(state, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 180
    while time.monotonic() < until:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                return city
        except httpx.HTTPError:
            time.sleep(0.2)
    city.kill()
    raise AssertionError("the city did not become ready within three minutes")
