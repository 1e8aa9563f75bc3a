"""From a folder of labelled photographs to the scores a city accepts: all against all, singly and averaged."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.face import figures
from identity.face.evaluate import Progress, embeddings, person_of, silent
from identity.face.figures import Rate, Scores
from identity.face.vector import MARGIN, Bars, average

# A shortlist of 160 is so many chances for a stranger; its bar rises by what LFW's all-against-all showed.
_SHORTLIST_LIFT = 0.006
_MOST_TWOS = 10


@dataclass(frozen=True, slots=True)
class Mode:
    """Scores of one way to compare, and whose each genuine one is."""

    genuine: Scores
    owners: NDArray[np.int64]
    impostors: Scores

    def at(self, fmr: float) -> tuple[float, Rate]:
        """Return the threshold of a false match rate and the true accept rate there."""
        threshold = figures.threshold_at(self.impostors, fmr)
        return threshold, figures.accepted_share(self.genuine, self.owners, threshold)


@dataclass(frozen=True, slots=True)
class Set:
    """Embedded photographs of labelled people."""

    vectors: NDArray[np.float32]
    people: NDArray[np.int64]
    digest: str

    def of(self, person: int) -> NDArray[np.float32]:
        """Return one person's vectors."""
        mine: NDArray[np.float32] = self.vectors[self.people == person]
        return mine


class TooFewStrangers(ValueError):
    """The set has too few pairs of strangers to say anything about so small a false match rate."""


def read_set(folder: Path, *, progress: Progress = silent) -> Set:
    """Embed every JPEG below a folder, labelled by its name in LFW's format."""
    paths = sorted(folder.rglob("*.jpg"))
    found = {path: vector for path, vector in embeddings(paths, progress=progress).items() if vector is not None}
    names = sorted({person_of(path) for path in found})
    digest = hashlib.sha256()
    for path in found:
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    people = np.array([names.index(person_of(path)) for path in found], np.int64)
    return Set(np.stack(list(found.values())), people, digest.hexdigest())


def single(given: Set) -> Mode:
    """Compare every photograph with every other."""
    scores = given.vectors @ given.vectors.T
    above = np.triu(np.ones_like(scores, np.bool_), 1)
    same = given.people[:, None] == given.people[None, :]
    rows = np.nonzero(above & same)[0]
    return Mode(
        scores[above & same].astype(np.float64), given.people[rows], scores[above & ~same].astype(np.float64)
    )  # fmt: skip


def enrolled_by_two(given: Set, *, probes: int = 1) -> Mode:
    """Compare averages of `probes` photographs with averages of two others, for people who have enough."""
    enough = [int(who) for who in np.unique(given.people) if (given.people == who).sum() >= 2 + probes]
    genuine, owners, templates, shown = [], [], [], []
    for who in enough:
        mine = given.of(who)
        for enrolled, rest in _splits(len(mine), probes):
            template, probe = average(list(mine[list(enrolled)])), average(list(mine[list(rest)]))
            genuine.append(float(template @ probe))
            owners.append(who)
            shown.append((who, probe))
        templates.append((who, average(list(mine[:2]))))
    # Everybody who has two photographs can be enrolled; only people with more can be probes of themselves.
    strangers = [int(who) for who in np.unique(given.people) if (given.people == who).sum() == 2]
    templates += [(who, average(list(given.of(who)))) for who in strangers]
    return Mode(np.array(genuine), np.array(owners, np.int64), _impostors(templates, shown))


def _splits(count: int, probes: int) -> Sequence[tuple[tuple[int, ...], tuple[int, ...]]]:
    found: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for enrolled in combinations(range(count), 2):
        rest = [each for each in range(count) if each not in enrolled]
        found += [(enrolled, shown) for shown in combinations(rest, probes)]
    if len(found) <= _MOST_TWOS:
        return found
    # People with many photographs must not drown the others.
    chosen = np.random.default_rng(count).choice(len(found), _MOST_TWOS, replace=False)
    return [found[int(each)] for each in chosen]


def _impostors(templates: list[tuple[int, Any]], shown: list[tuple[int, Any]]) -> Scores:
    held, probes = np.stack([each for _, each in templates]), np.stack([each for _, each in shown])
    other = np.array([who for who, _ in templates])[:, None] != np.array([who for who, _ in shown])[None, :]
    scores: Scores = (held @ probes.T)[other].astype(np.float64)
    return scores


@dataclass(frozen=True, slots=True)
class Calibration:
    """The bars found and what was measured at them."""

    bars: Bars
    measured: dict[str, Any]


def calibrated(given: Set, *, fmr: float) -> Calibration:
    """Return bars at a false match rate; raises `TooFewStrangers` where the set cannot tell.

    By the rule of three a rate is only believed with three times as many
    independent trials; here ten expected false matches are asked for.
    """
    one, two = single(given), enrolled_by_two(given, probes=2)
    if fmr * len(one.impostors) < 10:
        raise TooFewStrangers(f"{len(one.impostors)} pairs of strangers: a rate below {10 / len(one.impostors):.0e}")
    threshold, accepted = one.at(fmr)
    averaged, accepted_two = two.at(max(fmr, 10 / len(two.impostors)))
    false = figures.rate(int((one.impostors >= threshold).sum()), len(one.impostors))
    bars = Bars(
        _upward(threshold), _upward(threshold + _SHORTLIST_LIFT), MARGIN, _upward(max(0.0, averaged - threshold))
    )
    return Calibration(
        bars,
        {"fmr": asdict(false), "tar": asdict(accepted), "tar_averaged": asdict(accepted_two)},
    )


def _upward(score: float) -> float:
    # Rounded to nearest, a bar might let in one stranger more than was promised.
    return math.ceil(score * 10_000) / 10_000
