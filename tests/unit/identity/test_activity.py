"""A person's list of uses is in words, whoever recorded them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import app
from identity import activity

CORE = ("presence", "certificate")


def recorded(folder: Path) -> Iterator[str]:
    """Yield the actions that `audit.record` is given in the core."""
    for path in folder.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "audit.record" and call.args:
                name = call.args[0]
                if isinstance(name, ast.Constant) and any(each.arg == "subject" for each in call.keywords):
                    yield str(name.value)


def test_what_the_core_records_about_a_person_has_words() -> None:
    found = {name for name in recorded(Path(app.__file__).parent) if name.partition(".")[0] in CORE}

    assert "presence.decided" in found
    assert found - set(activity._WORDS) == set()
