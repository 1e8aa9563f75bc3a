"""Programs in Node that use one library each; they ask their driver for what only a person with a browser can do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

NODE = Path(__file__).parent / "node"
Answers = Mapping[str, Callable[..., Any]]


def run(name: str, given: Mapping[str, Any], answers: Answers) -> dict[str, Any]:
    """Run a program to its end and return what it found; raises `AssertionError` with what it wrote when it fails."""
    process = subprocess.Popen(
        ["node", f"{name}.mjs"], cwd=NODE, text=True, encoding="utf-8", stdin=-1, stdout=-1, stderr=-1,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
    )  # fmt: skip
    try:
        _tell(process, given)
        for line in process.stdout or ():
            said = json.loads(line)
            if "done" in said:
                found: dict[str, Any] = said["done"]
                return found
            _tell(process, answers[said["ask"]](*said["with"]))
        raise AssertionError(process.stderr.read()[-4000:] if process.stderr else name)
    finally:
        process.kill()
        process.communicate()


def _tell(process: subprocess.Popen[str], value: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(value) + "\n")
    process.stdin.flush()
