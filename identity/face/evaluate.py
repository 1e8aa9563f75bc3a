"""Accuracy on labelled pairs in LFW's format; figures only, no photograph or embedding is kept."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from identity.face import figures
from identity.face.engine import Engine, engine
from identity.face.figures import Flags, Folds, Rate, Scores
from identity.face.picture import Pixels, decode
from identity.face.sight import Face
from identity.face.vector import Vector

FARS = (1e-1, 1e-2, 1e-3)
Progress = Callable[[int, int], None]


def silent(_: int, __: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photographs, whether they show one person, and the fold they belong to."""

    first: Path
    second: Path
    same: bool
    fold: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """Verification figures over a set of pairs."""

    pairs: int
    undetected: int
    accuracy: float
    threshold: float
    ten_fold: float
    ten_fold_deviation: float
    ten_fold_interval: Rate
    equal_error: float
    true_accepts: dict[str, float]
    at_far: dict[str, Rate]
    roc: list[tuple[float, float]] = field(repr=False)
    groups: dict[str, tuple[Rate, Rate]] = field(default_factory=dict)


def evaluate(
    folder: Path, pairs_file: str = "pairs.txt", *, using: Engine | None = None, groups: Path | None = None,
    progress: Progress = silent,
) -> Report:  # fmt: skip
    """Return the figures of a folder of photographs and its `pairs.txt`, of LFW's View 1 or View 2.

    Quality gates are off: LFW's faces are about 44 pixels between the eyes.
    `groups` names a file of `person,group` lines; each group's rates are told apart.
    """
    pairs = read_pairs(folder, pairs_file)
    seen = embeddings((path for pair in pairs for path in (pair.first, pair.second)), using=using, progress=progress)
    scores, same, undetected = [], [], 0
    for pair in pairs:
        first, second = seen[pair.first], seen[pair.second]
        undetected += first is None or second is None
        scores.append(-1.0 if first is None or second is None else float(first @ second))
        same.append(pair.same)
    named = read_groups(groups) if groups is not None else {}
    belongs = [named.get(person_of(pair.first), "") for pair in pairs]
    folds = np.array([pair.fold for pair in pairs])
    return report(np.array(scores), np.array(same), undetected, folds=folds, groups=belongs)


def embeddings(
    paths: Iterable[Path], *, using: Engine | None = None, progress: Progress = silent
) -> dict[Path, Vector | None]:
    """Return the embedding of the face nearest each picture's centre; None where none was found."""
    eyes = using or engine()
    wanted = list(dict.fromkeys(paths))
    seen: dict[Path, Vector | None] = {}
    for number, path in enumerate(wanted, 1):
        seen[path] = _embedding(eyes, path)
        progress(number, len(wanted))
    return seen


def person_of(path: Path) -> str:
    """Return the name a file in LFW's format is labelled with: `Some_Body_0002.jpg` shows `Some_Body`."""
    return path.stem.rpartition("_")[0]


def read_groups(path: Path) -> dict[str, str]:
    """Return the group of each person, from lines `person,group`."""
    with path.open(encoding="utf-8", newline="") as lines:
        return {row[0]: row[1] for row in csv.reader(lines) if len(row) == 2}


def read_pairs(folder: Path, pairs_file: str = "pairs.txt") -> list[Pair]:
    """Return the pairs a file in LFW's format names."""
    return list(_pairs(folder, (folder / pairs_file).read_text("utf-8").splitlines()))


def _pairs(folder: Path, lines: list[str]) -> Iterator[Pair]:
    # View 2 begins `10<tab>300`: ten folds of 300 matched and 300 mismatched pairs. View 1 has no folds of its own.
    header = lines[0].split() if lines else []
    per_fold = 2 * int(header[1]) if len(header) == 2 else 0
    number = 0
    for words in (line.split("\t") for line in lines if "\t" in line):
        if len(words) not in (3, 4):
            continue
        fold = number // per_fold if per_fold else number % 10
        other = words[0] if len(words) == 3 else words[2]
        yield Pair(_photo(folder, words[0], words[1]), _photo(folder, other, words[-1]), len(words) == 3, fold)
        number += 1


def _photo(folder: Path, name: str, number: str) -> Path:
    file = f"{name}_{int(number):04d}.jpg"
    nested = folder / name / file
    return nested if nested.exists() else folder / file


def _embedding(eyes: Engine, path: Path) -> Vector | None:
    pixels = decode(path.read_bytes())
    faces = eyes.detect(pixels)
    if not faces:
        return None
    return eyes.embed(eyes.align(pixels, min(faces, key=lambda face: _off_centre(face, pixels))))


def _off_centre(face: Face, pixels: Pixels) -> float:
    centre = np.array([pixels.shape[1] / 2, pixels.shape[0] / 2])
    return float(np.linalg.norm(face.box[:2] + face.box[2:] / 2 - centre) - face.box[2] / 2)


def report(
    scores: Scores, same: Flags, undetected: int, *, folds: Folds | None = None, groups: list[str] | None = None
) -> Report:
    """Return the figures of scored pairs."""
    threshold, accuracy = figures.best_threshold(scores, same)
    held_out = figures.cross_validated(scores, same, np.arange(len(scores)) % 10 if folds is None else folds)
    genuine, impostors = scores[same], scores[~same]
    bars = {far: figures.threshold_at(impostors, far) for far in FARS}
    return Report(
        pairs=len(scores), undetected=undetected, accuracy=accuracy, threshold=threshold,
        ten_fold=float(np.mean(held_out)), ten_fold_deviation=float(np.std(held_out)),
        ten_fold_interval=figures.mean_with_interval(held_out),
        equal_error=figures.equal_error(genuine, impostors)[0],
        true_accepts={f"{limit:g}": float((genuine >= limit).mean()) for limit in (0.363, 0.415, 0.465)},
        at_far={f"{far:g}": figures.rate(int((genuine >= bar).sum()), len(genuine)) for far, bar in bars.items()},
        roc=figures.roc(genuine, impostors),
        groups=_by_group(scores, same, threshold, groups or []),
    )  # fmt: skip


def _by_group(scores: Scores, same: Flags, threshold: float, groups: list[str]) -> dict[str, tuple[Rate, Rate]]:
    """Return each labelled group's false non-match and false match rate at the common threshold."""
    found = {}
    for name in sorted({each for each in groups if each}):
        mine = np.array([each == name for each in groups])
        missed = figures.rate(int((scores[mine & same] < threshold).sum()), int((mine & same).sum()))
        let_in = figures.rate(int((scores[mine & ~same] >= threshold).sum()), int((mine & ~same).sum()))
        found[name] = (missed, let_in)
    return found
