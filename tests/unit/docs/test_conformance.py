"""The table of conformance modules is true: every test it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
TABLE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
_ROW = re.compile(r"\| `((?:oidcc|fapi2)-[\w-]+)` \| (.+) \|")


def rows() -> dict[str, str]:
    """Return what the table says of each module."""
    found = _ROW.findall(TABLE)
    assert len({module for module, _ in found}) == len(found), "a module stands in the table twice"
    return dict(found)


def test_every_named_test_exists() -> None:
    named = [cell.strip("`").split("::") for cell in rows().values() if "::" in cell]

    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (ROOT / "tests" / "api" / "identity" / file).read_text(encoding="utf-8")
    ]

    assert missing == []


def test_the_count_in_the_text_is_the_tables() -> None:
    told = re.search(r"Of the (\d+) modules .*?\n?(\d+) are covered", TABLE, re.S)
    assert told is not None

    covered = sum("::" in cell for cell in rows().values())

    assert (int(told[1]), int(told[2])) == (len(rows()), covered)


def test_what_is_not_covered_has_a_reason() -> None:
    assert all(len(cell) > 10 for cell in rows().values())
