"""Presentation attack detection, counted as ISO/IEC 30107-3 counts it, from recorded trials.

The bundled engine has no detector: what is judged here is a vendor's terminal,
or head turns, by the outcomes somebody recorded on real people and real attacks.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from identity.face.figures import Rate, rate

BONA_FIDE = "bona fide"
OUTCOMES = ("live", "attack", "none")


class BadTrials(ValueError):
    """A trial names no species or no known outcome."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One presentation: `species` is `bona fide` or the kind of instrument; `outcome` is live, attack or none."""

    species: str
    outcome: str


@dataclass(frozen=True, slots=True)
class PadReport:
    """The standard's rates. APCER is per species, and the worst of them is the result (13.2.1)."""

    apcer: dict[str, Rate]
    apnrr: dict[str, Rate]
    bpcer: Rate
    bpnrr: Rate

    @property
    def worst(self) -> tuple[str, Rate]:
        """The species that the detector takes for a living person most often."""
        return max(self.apcer.items(), key=lambda each: (each[1].value, each[1].high))


def read_trials(path: Path) -> list[Trial]:
    """Read lines `species,outcome`; raises `BadTrials`."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.reader(lines) if row and row[:2] != ["species", "outcome"]]
    bad = [number for number, row in enumerate(rows, 1) if len(row) != 2 or not row[0] or row[1] not in OUTCOMES]
    if bad:
        raise BadTrials(f"trial {bad[0]}: write species,outcome with an outcome of {', '.join(OUTCOMES)}")
    return [Trial(row[0], row[1]) for row in rows]


def evaluated(trials: Iterable[Trial]) -> PadReport:
    """Return the rates of some trials; raises `BadTrials` without both real people and attacks.

    Presentations without a response count in the non-response rates alone (13.2.2).
    """
    by_species: dict[str, list[str]] = defaultdict(list)
    for trial in trials:
        by_species[trial.species].append(trial.outcome)
    people = by_species.pop(BONA_FIDE, [])
    if not people or not by_species:
        raise BadTrials(f"both are needed: {BONA_FIDE!r} and at least one species of attack")
    return PadReport(
        apcer={name: _share(outcomes, "live") for name, outcomes in sorted(by_species.items())},
        apnrr={name: rate(outcomes.count("none"), len(outcomes)) for name, outcomes in sorted(by_species.items())},
        bpcer=_share(people, "attack"),
        bpnrr=rate(people.count("none"), len(people)),
    )


def _share(outcomes: list[str], wanted: str) -> Rate:
    answered = [outcome for outcome in outcomes if outcome != "none"]
    return rate(answered.count(wanted), len(answered))
