"""Accuracy on LFW's development test; skipped where the research data is absent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from identity.face import evaluate as evaluation
from identity.face.evaluate import evaluate, read_pairs

DATA = Path(os.environ.get("SUXIN_LFW_DEVTEST", "nowhere"))


def test_pairs_are_read_in_lfws_format(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("1\nA_B\t1\t2\nA_B\t1\tC\t12\n", "utf-8")

    same, different = read_pairs(tmp_path)

    assert (same.first.name, same.second.name, same.same) == ("A_B_0001.jpg", "A_B_0002.jpg", True)
    assert (different.second.name, different.same) == ("C_0012.jpg", False)


def test_figures_of_known_scores_are_right() -> None:
    scores = np.tile([0.9, 0.1], 50)
    same = np.tile([True, False], 50)

    report = evaluation.report(scores, same, 0)

    assert (report.accuracy, report.ten_fold) == (1.0, 1.0)
    assert report.true_accepts["0.465"] == 1.0


@pytest.mark.optional
@pytest.mark.skipif(not (DATA / "pairs.txt").exists(), reason="SUXIN_LFW_DEVTEST does not name the LFW folder")
def test_lfw_development_test_reaches_its_goal() -> None:
    assert evaluate(DATA).accuracy >= 0.992
