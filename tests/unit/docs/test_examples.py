"""The guides' examples of foreign libraries are lines of the tests that run them."""

from __future__ import annotations

import re

from app.coverage import ROOT

EXAMPLE = re.compile(r"```(?:js|text)\n(?://|#) (tests/\S+)\n(.*?)```", re.DOTALL)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def test_every_line_of_an_example_is_a_line_of_the_test_it_names() -> None:
    guide = (ROOT / "docs" / "app-developers.md").read_text("utf-8")
    examples = EXAMPLE.findall(guide)

    missing = [
        line
        for path, lines in examples
        for line in lines.strip().splitlines()
        if _squeezed(line) not in _squeezed((ROOT / path).read_text("utf-8"))
    ]

    assert len(examples) >= 6
    assert missing == []
