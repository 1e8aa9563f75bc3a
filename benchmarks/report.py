"""The table of a run: each figure beside its goal, gap, method and noise."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Finding:
    """One ratio or figure with its goal; `at_most` says which side of the goal is good."""

    name: str
    value: float
    goal: float | None = None
    unit: str = "x"
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal

    def line(self) -> str:
        """Return the finding as a row of the table."""
        goal = "-" if self.goal is None else f"{'≤' if self.at_most else '≥'} {self.goal:g}"
        gap = {None: "-", True: "met", False: f"{self.value - (self.goal or 0):+.2f}"}[self.met]
        return f"| {self.name} | {self.value:.2f} {self.unit} | {goal} | {gap} |"


@dataclass(slots=True)
class Part:
    """What one part of a run found."""

    title: str
    findings: list[Finding]
    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    noise: float | None = None
    opened: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def text(self) -> str:
        """Return the part as Markdown."""
        lines = [f"## {self.title}", "", "| figure | measured | goal | gap |", "|---|---|---|---|"]
        lines += [finding.line() for finding in self.findings] + [""]
        if self.figures:
            names = list(next(iter(self.figures.values())))
            lines += ["| variant (medians, closed loop) | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
            lines += [
                f"| {variant} | " + " | ".join(f"{value:,.1f}" for value in found.values()) + " |"
                for variant, found in self.figures.items()
            ] + [""]
        for each in self.opened:
            state = each["invalid"] or "valid"
            lines.append(
                f"- open loop, {each['variant']} at {each['rate']}/s: p50 {each['p50_ms']:.2f} ms,"
                f" p99 {each['p99_ms']:.2f} ms, {each['errors']} errors, {state}"
            )
        if self.noise is not None:
            lines.append(f"- noise floor (A against A): {self.noise:.1%}")
        return "\n".join(lines + [f"- {note}" for note in self.notes] + [""])


def save(name: str, part: Part) -> None:
    """Keep a part: its rows in raw/, its text for the table."""
    kept = {"title": part.title, "at": _stamp(), "load": os.getloadavg(), "text": part.text(), "rows": part.rows}
    (HERE / "raw").mkdir(exist_ok=True)
    (HERE / "raw" / f"{name}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n")


def write_table(order: list[str]) -> Path:
    """Write RESULTS.md from the newest run of every part."""
    head = [
        "# Benchmarks", "",
        "Written by `make bench` (one part: `python -m benchmarks.run reads`). Ratios within one run are what counts;",
        "absolute figures belong to this machine and moment. Latencies are open loop, cost is closed loop (8 connections),",  # noqa: E501
        "one granian worker of one thread (writes: two) on core 0, PostgreSQL (fsync on) and generator on core 1.",
        "",
        "The reads and the presence session are the product's own routes, served by `create_app` over migrated tables;",
        "the write with an event is a route of `benchmarks/city.py`: the kernel's guard, unit of work, audit, outbox",
        "and logs over a table of the benchmark.",
        "The Node peer verifies the same token but checks no revocation and keeps no metrics and no log line.",
        "The machine was shared with other work, also on the servers' cores: the load average says how much.",
        "Under load requests/s and seconds say little; CPU a request holds, and the noise floor is that of CPU.",
        "A ratio whose distance from its goal is smaller than the noise floor decides nothing.", "",
        f"Machine: {machine.described()}; written {_stamp()}; load average {os.getloadavg()[0]:.2f};"
        " each part says when it was measured.", "",
    ]  # fmt: skip
    parts = []
    for name in order:
        path = HERE / "raw" / f"{name}.json"
        if not path.exists():
            parts.append(f"## {name}\n\nNot measured yet.\n")
        else:
            kept = json.loads(path.read_text())
            parts.append(f"{kept['text']}- measured {kept['at']}, load average {kept['load'][0]:.2f}\n")
    target = HERE / "RESULTS.md"
    target.write_text("\n".join(head + parts))
    return target


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
