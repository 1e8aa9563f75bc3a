"""Embeddings: unit length, averaging, the keyed rotation, and one comparison of fixed shape."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
WIDTH = 128
ONE_TO_ONE = 0.465
SHORTLIST = 0.471
MARGIN = 0.06
# Averages on both sides score higher, for strangers too (measured on LFW View 2, all against all).
AVERAGED = 0.03


class BadVector(ValueError):
    """The numbers are no embedding: not finite, zero, or of the wrong length."""


def unit(vector: NDArray[np.floating]) -> Vector:
    """Return the vector at length one; raises `BadVector`."""
    flat = np.asarray(vector, dtype=np.float64).reshape(-1)
    length = float(np.linalg.norm(flat)) if flat.shape == (WIDTH,) else 0.0
    if not math.isfinite(length) or length < 1e-6:
        raise BadVector("not an embedding")
    return (flat / length).astype(np.float32)


def average(vectors: Sequence[Vector]) -> Vector:
    """Return the mean of unit vectors, renormalised; raises `BadVector`."""
    if not vectors:
        raise BadVector("nothing to average")
    return unit(np.mean([unit(each) for each in vectors], axis=0))


@lru_cache(maxsize=4)
def rotation(secret: bytes) -> Vector:
    """Return the secret orthogonal 128x128 matrix of a key; angles stay, templates become renewable."""
    stream = hashlib.shake_256(b"suxin face rotation" + secret).digest(WIDTH * WIDTH * 16)
    first, second = np.frombuffer(stream, "<u8").reshape(2, -1).astype(np.float64) / 2.0**64
    normal = np.sqrt(-2 * np.log1p(-first * (1 - 1e-16))) * np.cos(2 * np.pi * second)
    q, r = np.linalg.qr(normal.reshape(WIDTH, WIDTH))
    # The sign fix makes the matrix one function of the key (and uniformly distributed).
    turned: NDArray[np.float64] = q * np.sign(np.diag(r))
    return turned.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Bars:
    """All scores a city accepts from: one to one, in a shortlist with its margin, and the lift of averages."""

    one_to_one: float
    shortlist: float
    margin: float
    averaged: float


START = Bars(ONE_TO_ONE, SHORTLIST, MARGIN, AVERAGED)


@dataclass(frozen=True, slots=True)
class Bar:
    """What a comparison must reach: a score, and a distance to the runner-up."""

    score: float
    margin: float = 0.0


def bar(*, shortlist: bool, averaged: bool, bars: Bars = START) -> Bar:
    """Return the bar of a mode; `averaged`: two or more photographs on both sides."""
    lift = bars.averaged if averaged else 0.0
    return Bar(bars.shortlist + lift, bars.margin) if shortlist else Bar(bars.one_to_one + lift)


def best(probe: Vector, gallery: NDArray[np.float32], real: NDArray[np.bool_], needed: Sequence[Bar]) -> int | None:
    """Return the row that is the probe's person, or None.

    Work depends on the number of rows alone. Rows that are not real only keep
    the shape; `needed` holds each row's bar. `probe` is one vector, or one
    per row where the rows are not all in one basis.
    """
    scores = gallery @ unit(probe) if probe.ndim == 1 else np.einsum("ij,ij->i", gallery, probe)
    if not np.isfinite(scores).all():
        raise BadVector("a score is not finite")
    scores = np.where(real, scores, np.float32(-2))
    order = np.argsort(-scores, kind="stable")
    top = int(order[0])
    runner_up = float(scores[order[1]]) if len(order) > 1 else -2.0
    return top if accepted(float(scores[top]), runner_up, needed[top]) else None


def accepted(score: float, runner_up: float, needed: Bar) -> bool:
    """Tell whether a score passes: exactly at the bar passes, as ISO/IEC 19795-1 counts it."""
    return score >= needed.score and score - runner_up >= needed.margin
