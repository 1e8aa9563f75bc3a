"""Rates, thresholds and their intervals, from scores alone (terms of ISO/IEC 19795-1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]
Folds = NDArray[np.int64]
_Z = 1.959964
_RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval and the number of trials behind it."""

    value: float
    low: float
    high: float
    trials: int

    def text(self) -> str:
        """Return the rate in percent for a table."""
        return f"{self.value:.2%} ({self.low:.2%} to {self.high:.2%}, n={self.trials})"


def rate(events: int, trials: int) -> Rate:
    """Return a share with its Wilson interval, which also holds for none of few."""
    if trials == 0:
        return Rate(math.nan, 0.0, 1.0, 0)
    share, weight = events / trials, _Z**2 / trials
    centre = (share + weight / 2) / (1 + weight)
    half = _Z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return Rate(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), trials)


def threshold_at(impostors: Scores, fmr: float) -> float:
    """Return the lowest score that at most this share of impostors reaches."""
    allowed = math.floor(fmr * len(impostors))
    if allowed >= len(impostors):
        return float(impostors.min())
    worst = np.partition(impostors, len(impostors) - allowed - 1)[len(impostors) - allowed - 1]
    return float(np.nextafter(worst, np.inf))


def accepted_share(genuine: Scores, owners: NDArray[np.int64], threshold: float) -> Rate:
    """Return the true accept rate; its interval resamples people, since one person's pairs are alike."""
    passed = (genuine >= threshold).astype(np.float64)
    people, position = np.unique(owners, return_inverse=True)
    good, total = np.bincount(position, passed), np.bincount(position)
    draws = np.random.default_rng(1).integers(0, len(people), (_RESAMPLES, len(people)))
    shares = good[draws].sum(axis=1) / total[draws].sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return Rate(float(passed.mean()), float(low), float(high), len(genuine))


def equal_error(genuine: Scores, impostors: Scores) -> tuple[float, float]:
    """Return the equal error rate and the threshold at which it holds."""
    candidates = np.unique(np.concatenate([genuine, impostors]))
    missed = np.searchsorted(np.sort(genuine), candidates) / len(genuine)
    let_in = 1 - np.searchsorted(np.sort(impostors), candidates) / len(impostors)
    at = int(np.argmin(np.abs(missed - let_in)))
    return float((missed[at] + let_in[at]) / 2), float(candidates[at])


def roc(genuine: Scores, impostors: Scores, *, points: int = 200) -> list[tuple[float, float]]:
    """Return false and true accept rates, from few false ones to many, evenly on a logarithmic scale."""
    least = max(1.0 / len(impostors), 1e-7)
    rates = np.logspace(math.log10(least), 0, points)
    ordered = np.sort(genuine)
    return [
        (float(each), float(1 - np.searchsorted(ordered, threshold_at(impostors, float(each))) / len(genuine)))
        for each in rates
    ]


def best_threshold(scores: Scores, same: Flags) -> tuple[float, float]:
    """Return the threshold that decides most pairs rightly, and the share it does."""
    order = np.argsort(scores, kind="stable")
    ranked, truth = scores[order], same[order]
    # Of pairs from a place on: accepted rightly; before it: refused rightly. Equal scores move together.
    right = np.concatenate([[0], np.cumsum(~truth)])[:-1] + truth[::-1].cumsum()[::-1]
    first = np.concatenate([[True], ranked[1:] != ranked[:-1]])
    at = int(np.argmax(np.where(first, right, -1)))
    return float(ranked[at]), float(right[at] / len(scores))


def cross_validated(scores: Scores, same: Flags, folds: Folds) -> list[float]:
    """Return each fold's accuracy at the threshold that the other folds chose."""
    found = []
    for fold in np.unique(folds):
        held_out = folds == fold
        threshold, _ = best_threshold(scores[~held_out], same[~held_out])
        found.append(float(((scores >= threshold) == same)[held_out].mean()))
    return found


def mean_with_interval(values: Sequence[float]) -> Rate:
    """Return the mean of folds with its 95 % interval (Student's t for ten folds)."""
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    half = 2.262 * spread / math.sqrt(len(values))
    return Rate(mean, mean - half, min(1.0, mean + half), len(values))
