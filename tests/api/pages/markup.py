"""What a page's HTML must keep to, and the contrast of two colours."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "img", "input", "br", "hr"})


class Markup(HTMLParser):
    """Collects the faults of one page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.labels: set[str] = set()
        self.inputs: list[str] = []
        self.heads = 0
        self.open: list[str] = []
        self.feed(html)
        self.close()
        self._finish()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "html" and not given.get("lang"):
            self.faults.append("no lang")
        if tag == "style" or (tag == "script" and "src" not in given):
            self.faults.append(f"inline {tag}")
        self.faults += [f"inline {name}" for name in given if name == "style" or name.startswith("on")]
        self.heads += tag == "h1"
        if tag == "label":
            self.labels.add(given.get("for") or "")
        if tag in ("input", "select") and given.get("type") != "hidden" and "aria-label" not in given:
            self.inputs.append(given.get("id") or "")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def _finish(self) -> None:
        if self.heads != 1:
            self.faults.append(f"{self.heads} h1")
        self.faults += [f"no label for {each}" for each in self.inputs if each not in self.labels]
        self.faults += [f"<{tag}> stays open" for tag in self.open if tag not in ("p", "li")]


def themes(css: str) -> dict[str, dict[str, str]]:
    """Return the colours of the light and dark theme by token."""
    blocks = {"light": r":root \{(.*?)\}", "dark": r'\[data-theme="dark"\] \{(.*?)\}'}
    found = {}
    for name, pattern in blocks.items():
        block = re.search(pattern, css, re.S)
        assert block is not None
        found[name] = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block[1]))
    return {"light": found["light"], "dark": {**found["light"], **found["dark"]}}


def contrast(one: str, other: str) -> float:
    """Return the WCAG 2 contrast ratio of two colours."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
