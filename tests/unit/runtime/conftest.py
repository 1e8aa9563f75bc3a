"""Short state folders that root's unprivileged account can enter, and a process that owns servers."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

OWNER = Path(__file__).with_name("servers_under_test.py")
CLONE = Path(__file__).resolve().parents[3]


@pytest.fixture
def state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="suxin-rt-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start an owner of embedded servers; all that is left is ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(state: Path, **env: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, OWNER, state],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(CLONE), **env},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
