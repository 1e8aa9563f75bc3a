"""A served demo city for tests that speak to it from outside: one process tree, thrown away afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CUSTOMER = "lin"


@dataclass(frozen=True, slots=True)
class City:
    """A served city and its public demo secrets, also as a file."""

    base: str
    world: dict[str, Any]
    export: Path

    @property
    def customer(self) -> dict[str, str]:
        """Return the woman of the main story."""
        return self.person(CUSTOMER)

    def person(self, key: str) -> dict[str, str]:
        """Return a demo person with log-in name and password."""
        found: dict[str, str] = next(each for each in self.world["persons"] if each["key"] == key)
        return found


@contextmanager
def served_city(folder: Path, *, host: str = "127.0.0.1", **settings: str) -> Iterator[City]:
    """Serve the demo world as `suxin up --demo` does, its state below a folder of a short path.

    Passkeys need a name for a host: an address is no relying party.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Foreign packages are for the tests alone: the city runs on its own pins.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SUXIN_", "PYTHONPATH"))}
    env |= {
        "SUXIN_STATE_DIR": str(folder / "state"),
        "SUXIN_PORT": str(port),
        "SUXIN_BASE_URL": f"http://{host}:{port}",
    }
    env |= settings
    told = folder / "told"
    with told.open("wb") as out:
        up = subprocess.Popen([sys.executable, "-m", "app.runtime.up", "--demo"], env=env, stdout=out, stderr=out)
    try:
        _wait_until(lambda: up.poll() is not None or "Suxin serves" in told.read_text("utf-8"))
        assert up.poll() is None, told.read_text("utf-8")[-3000:]
        said = subprocess.run(
            [sys.executable, "-m", "app.cli", "demo", "export"], env=env, stdout=-1, check=True
        ).stdout
        export = folder / "demo.json"
        export.write_bytes(said)
        yield City(env["SUXIN_BASE_URL"], json.loads(said), export)
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)


def _wait_until(ended: Callable[[], bool], seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while not ended() and time.monotonic() < until:
        time.sleep(0.2)
