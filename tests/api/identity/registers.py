"""The three simulated registers as running processes that a test can change and spoil."""

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

import httpx
import pytest
from flask import Flask

NAMES = ("population", "legal_register", "network_identity")


@dataclass(frozen=True)
class Registers:
    """The sockets of all three."""

    sockets: dict[str, str]

    def tell(self, register: str, question: str, **body: Any) -> None:
        """Change a register's world, or plan its misbehaviour (`control`)."""
        with httpx.Client(transport=httpx.HTTPTransport(uds=self.sockets[register]), trust_env=False) as client:
            client.post(f"http://register/{question}", json=body).raise_for_status()

    def born(self, name: str, number: str) -> None:
        """Enter a person in the population register."""
        self.tell("population", "change", number=number, what="born", name=name)

    def spoil(self, register: str, kind: str, **more: Any) -> None:
        """Let the next question meet a fault."""
        self.tell(register, "control", kind=kind, **more)


@pytest.fixture(scope="session")
def register_processes() -> Iterator[Registers]:
    """One process for each register, for all tests of a worker."""
    with tempfile.TemporaryDirectory(prefix="registers-") as folder:
        sockets = {name: str(Path(folder) / f"{name}.sock") for name in NAMES}
        running = []
        try:
            for name, socket in sockets.items():
                env = {**os.environ, "SUXIN_SIMULATOR_SOCKET": socket}
                module = f"identity.proofing.simulator.{name}"
                running.append(subprocess.Popen([sys.executable, "-m", module], env=env))
            _await(sockets, running)
            yield Registers(sockets)
        finally:
            for process in running:
                process.terminate()
                process.wait(10)


@pytest.fixture
def registers(app: Flask, register_processes: Registers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registers]:
    """The registers, well behaved, as those of the app under test."""
    for name, socket in register_processes.sockets.items():
        monkeypatch.setenv(f"SUXIN_IDENTITY_{name.upper()}_SOCKET", socket)
    monkeypatch.setenv("SUXIN_IDENTITY_REGISTER_WAIT_MS", "1500")
    yield register_processes
    for name in NAMES:
        register_processes.tell(name, "control", clear=True)
    for client in app.extensions.pop("identity.registers", {}).values():
        client.close()


def _await(sockets: dict[str, str], running: list[subprocess.Popen[bytes]]) -> None:
    for _ in range(400):
        if any(process.poll() is not None for process in running):
            raise RuntimeError("a register ended")
        if all(Path(socket).exists() for socket in sockets.values()):
            return
        time.sleep(0.05)
    raise RuntimeError("a register does not answer")
