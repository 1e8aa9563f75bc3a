"""Accuracy on labelled pairs in LFW's format; figures only, no photograph or embedding is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from identity.face.engine import Engine, engine
from identity.face.picture import Pixels, decode
from identity.face.sight import Face
from identity.face.vector import Vector


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photographs and whether they show one person."""

    first: Path
    second: Path
    same: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Verification figures over a set of pairs."""

    pairs: int
    undetected: int
    accuracy: float
    threshold: float
    ten_fold: float
    ten_fold_deviation: float
    true_accepts: dict[str, float]


def evaluate(folder: Path, pairs_file: str = "pairs.txt", *, using: Engine | None = None) -> Report:
    """Return the figures of a folder of photographs and its `pairs.txt`.

    Quality gates are off: LFW's faces are about 44 pixels between the eyes.
    """
    eyes = using or engine()
    pairs = read_pairs(folder, pairs_file)
    seen: dict[Path, Vector | None] = {}
    for path in dict.fromkeys(path for pair in pairs for path in (pair.first, pair.second)):
        seen[path] = _embedding(eyes, path)
    scores, same, undetected = [], [], 0
    for pair in pairs:
        first, second = seen[pair.first], seen[pair.second]
        undetected += first is None or second is None
        scores.append(-1.0 if first is None or second is None else float(first @ second))
        same.append(pair.same)
    return _report(np.array(scores), np.array(same), undetected)


def read_pairs(folder: Path, pairs_file: str = "pairs.txt") -> list[Pair]:
    """Return the pairs a file in LFW's format names."""
    return list(_pairs(folder, (folder / pairs_file).read_text("utf-8").splitlines()))


def _pairs(folder: Path, lines: list[str]) -> Iterator[Pair]:
    for words in (line.split("\t") for line in lines if "\t" in line):
        if len(words) == 3:
            yield Pair(_photo(folder, words[0], words[1]), _photo(folder, words[0], words[2]), True)
        elif len(words) == 4:
            yield Pair(_photo(folder, words[0], words[1]), _photo(folder, words[2], words[3]), False)


def _photo(folder: Path, name: str, number: str) -> Path:
    return folder / f"{name}_{int(number):04d}.jpg"


def _embedding(eyes: Engine, path: Path) -> Vector | None:
    pixels = decode(path.read_bytes())
    faces = eyes.detect(pixels)
    if not faces:
        return None
    return eyes.embed(eyes.align(pixels, min(faces, key=lambda face: _off_centre(face, pixels))))


def _off_centre(face: Face, pixels: Pixels) -> float:
    centre = np.array([pixels.shape[1] / 2, pixels.shape[0] / 2])
    return float(np.linalg.norm(face.box[:2] + face.box[2:] / 2 - centre) - face.box[2] / 2)


def _report(scores: NDArray[np.float64], same: NDArray[np.bool_], undetected: int) -> Report:
    threshold, accuracy = _best_threshold(scores, same)
    folds = np.arange(len(scores)) % 10
    held_out = [_held_out(scores, same, folds == fold) for fold in range(10)]
    accepts = {f"{limit:g}": float((scores[same] >= limit).mean()) for limit in (0.363, 0.415, 0.465)}
    return Report(
        pairs=len(scores), undetected=undetected, accuracy=accuracy, threshold=threshold,
        ten_fold=float(np.mean(held_out)), ten_fold_deviation=float(np.std(held_out)), true_accepts=accepts,
    )  # fmt: skip


def _held_out(scores: NDArray[np.float64], same: NDArray[np.bool_], fold: NDArray[np.bool_]) -> float:
    threshold, _ = _best_threshold(scores[~fold], same[~fold])
    return float(((scores >= threshold) == same)[fold].mean())


def _best_threshold(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> tuple[float, float]:
    candidates = np.unique(scores)
    right = [float(((scores >= each) == same).mean()) for each in candidates]
    at = int(np.argmax(right))
    return float(candidates[at]), right[at]
