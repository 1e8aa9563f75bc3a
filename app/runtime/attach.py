"""How another command of this account reaches the servers that `suxin up` runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from app.config import Settings
from app.runtime.owner import alive
from app.runtime.paths import default_state


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with what the running city adds; what is set already wins."""
    state = Settings.from_env(env).state_dir or default_state()
    return {**running(state), **{name: value for name, value in env.items() if value}}


def publish(state: Path, variables: Mapping[str, str]) -> None:
    """Tell later commands of this account how to reach the running servers."""
    path = state / "environment.json"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"pid": os.getpid(), "variables": dict(variables)}, file)


def withdraw(state: Path) -> None:
    """Take back what `publish` told."""
    (state / "environment.json").unlink(missing_ok=True)


def running(state: Path) -> dict[str, str]:
    """Return the SUXIN_* variables of the running owner; empty when none runs."""
    try:
        told = json.loads((state / "environment.json").read_text())
    except (OSError, ValueError):
        return {}
    return dict(told["variables"]) if alive(int(told["pid"])) else {}
