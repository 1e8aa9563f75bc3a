"""Rates, thresholds and curves of known scores; trials counted by ISO/IEC 30107-3."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from identity.face import evaluate, figures
from identity.face.calibrate import Set, TooFewStrangers, calibrated, enrolled_by_two, single
from identity.face.pad import BadTrials, Trial, evaluated, read_trials
from identity.face.plot import roc_svg
from identity.face.vector import unit


@pytest.mark.parametrize(("events", "trials"), [(0, 10), (10, 10), (5, 10), (1, 1000)])
def test_a_rate_lies_within_its_interval_and_none_of_few_is_not_never(events: int, trials: int) -> None:
    found = figures.rate(events, trials)

    assert found.low <= found.value <= found.high
    assert found.high > 0
    assert found.low < 1


def test_a_threshold_lets_in_no_more_strangers_than_said() -> None:
    scores = np.random.default_rng(2).normal(size=100_000)

    for fmr in (0.1, 0.01, 1e-4):
        assert (scores >= figures.threshold_at(scores, fmr)).mean() <= fmr
        assert (scores >= figures.threshold_at(scores, fmr)).sum() == round(fmr * 100_000)


def test_equal_scores_move_together() -> None:
    scores = np.array([0.5, 0.5, 0.5, 0.9])
    same = np.array([False, False, True, True])

    assert figures.best_threshold(scores, same) == (pytest.approx(0.9), 0.75)


def test_the_best_threshold_is_the_one_that_trying_all_finds() -> None:
    random = np.random.default_rng(5)
    scores, same = np.round(random.normal(size=300), 2), random.integers(0, 2, 300).astype(bool)

    best = max(float(((scores >= each) == same).mean()) for each in scores)

    assert figures.best_threshold(scores, same)[1] == pytest.approx(best)


def test_the_equal_error_of_overlapping_scores() -> None:
    genuine, impostors = np.linspace(0.4, 1.4, 1001), np.linspace(-0.4, 0.6, 1001)

    error, at = figures.equal_error(genuine, impostors)

    assert error == pytest.approx(0.1, abs=0.01)
    assert at == pytest.approx(0.5, abs=0.01)


def test_a_fold_never_chooses_its_own_threshold() -> None:
    # In fold 0 scores are shifted: judged by the others' threshold it must look bad.
    scores = np.array([0.9, 0.8] * 5 + [0.7, 0.1] * 45)
    same = np.tile([True, False], 50)
    folds = np.repeat([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 10)

    assert figures.cross_validated(scores, same, folds)[0] == 0.5


def test_view_two_keeps_its_own_folds(tmp_path: Path) -> None:
    lines = ["2\t1"] + ["A\t1\t2", "A\t1\tB\t1"] * 2
    (tmp_path / "pairs.txt").write_text("\n".join(lines), "utf-8")

    assert [pair.fold for pair in evaluate.read_pairs(tmp_path)] == [0, 0, 1, 1]


def test_groups_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("Ann,first\nBob,second\n", "utf-8")
    scores, same = np.array([0.9, 0.9, 0.1, 0.1, 0.6]), np.array([True, False, True, False, True])

    found = evaluate.report(scores, same, 0, folds=np.arange(5), groups=["first", "first", "second", "second", ""])

    assert evaluate.read_groups(tmp_path / "groups.csv") == {"Ann": "first", "Bob": "second"}
    assert set(found.groups) == {"first", "second"}
    assert found.groups["second"][0].trials == 1


def people(count: int = 60, each: int = 4, spread: float = 0.6) -> Set:
    random = np.random.default_rng(3)
    faces = [unit(random.normal(size=128)) for _ in range(count)]
    shown = [unit(face + spread * unit(random.normal(size=128))) for face in faces for _ in range(each)]
    return Set(np.stack(shown), np.repeat(np.arange(count), each), "0" * 64)


def test_calibration_finds_bars_that_keep_strangers_out() -> None:
    given = people()

    found = calibrated(given, fmr=1e-3)

    one = single(given)
    assert (one.impostors >= found.bars.one_to_one).mean() <= 1e-3
    assert found.bars.shortlist > found.bars.one_to_one
    assert found.measured["tar"]["value"] > 0.9
    assert len(one.genuine) == 60 * 6


def test_two_enrolled_photographs_are_better_than_one() -> None:
    given = people(spread=1.5)

    assert enrolled_by_two(given).at(1e-3)[1].value > single(given).at(1e-3)[1].value


def test_a_set_too_small_for_a_rate_is_refused() -> None:
    with pytest.raises(TooFewStrangers):
        calibrated(people(), fmr=1e-6)


def test_the_picture_of_a_curve_is_svg_and_escapes_names() -> None:
    drawn = roc_svg({"a <b> & c": [(1e-4, 0.9), (1e-2, 0.95), (1.0, 1.0)]}, title="ROC")

    assert drawn.startswith("<svg")
    assert "a &lt;b> &amp; c" in drawn
    assert drawn.count("polyline") == 1


def test_trials_are_counted_per_species_and_the_worst_is_the_result() -> None:
    trials = [Trial("bona fide", "live")] * 18 + [Trial("bona fide", "attack"), Trial("bona fide", "none")]
    trials += [Trial("print", "attack")] * 9 + [Trial("print", "none")]
    trials += [Trial("mask", "live")] * 2 + [Trial("mask", "attack")] * 8

    found = evaluated(trials)

    assert (found.apcer["print"].value, found.apcer["print"].trials) == (0.0, 9)
    assert found.worst[0] == "mask"
    assert found.worst[1].value == pytest.approx(0.2)
    assert found.bpcer.value == pytest.approx(1 / 19)
    assert (found.bpnrr.value, found.apnrr["print"].value) == (pytest.approx(0.05), pytest.approx(0.1))


@pytest.mark.parametrize(
    "text", ["print,attack\n", "bona fide,live\n", "print,perhaps\n", ",live\n", "print\n"],
    ids=["no people", "no attack", "outcome", "no species", "short"],
)  # fmt: skip
def test_trials_that_cannot_be_counted_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trials.csv"
    path.write_text("species,outcome\n" + text, "utf-8")

    with pytest.raises(BadTrials):
        evaluated(read_trials(path))
