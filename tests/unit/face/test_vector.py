"""Comparison at its edges: the exact bar, the margin, broken numbers, the secret basis."""

from __future__ import annotations

import numpy as np
import pytest

from identity.face.vector import (
    MARGIN,
    ONE_TO_ONE,
    SHORTLIST,
    WIDTH,
    BadVector,
    Bar,
    accepted,
    average,
    bar,
    best,
    rotation,
    unit,
)

random = np.random.default_rng(7)


def some() -> np.ndarray:
    return unit(random.normal(size=WIDTH))


@pytest.mark.parametrize(
    "broken",
    [np.zeros(WIDTH), np.full(WIDTH, np.nan), np.full(WIDTH, np.inf), np.ones(WIDTH - 1), np.ones((2, WIDTH))],
    ids=["zero", "nan", "infinite", "short", "two"],
)
def test_broken_numbers_are_no_embedding(broken: np.ndarray) -> None:
    with pytest.raises(BadVector):
        unit(broken)


def test_a_broken_gallery_matches_nobody() -> None:
    gallery = np.full((3, WIDTH), np.nan, np.float32)

    with pytest.raises(BadVector):
        best(some(), gallery, np.ones(3, np.bool_), [Bar(0.4)] * 3)


def test_opposite_vectors_have_no_average() -> None:
    one = some()

    with pytest.raises(BadVector):
        average([one, -one])


def test_a_score_exactly_at_the_bar_passes_and_below_it_fails() -> None:
    assert accepted(ONE_TO_ONE, -2, Bar(ONE_TO_ONE))
    assert not accepted(np.nextafter(ONE_TO_ONE, 0), -2, Bar(ONE_TO_ONE))


def test_a_look_alike_within_the_margin_stops_a_match() -> None:
    needed = bar(shortlist=True, averaged=False)

    assert needed == Bar(SHORTLIST, MARGIN)
    assert not accepted(0.7, 0.66, needed)
    assert accepted(0.7, 0.63, needed)


def test_averages_on_both_sides_have_a_higher_bar() -> None:
    assert bar(shortlist=True, averaged=True).score == pytest.approx(SHORTLIST + 0.03)
    assert bar(shortlist=False, averaged=True).score == pytest.approx(ONE_TO_ONE + 0.03)


def test_padding_is_never_matched_even_when_it_is_the_probe() -> None:
    probe = some()
    gallery = np.stack([probe, some()])

    assert best(probe, gallery, np.array([False, True]), [Bar(0.4)] * 2) is None
    assert best(probe, gallery, np.array([True, True]), [Bar(0.4)] * 2) == 0


def test_the_rotation_keeps_angles_and_hides_vectors() -> None:
    turn, other = rotation(b"a" * 32), rotation(b"b" * 32)
    one, two = some(), some()

    assert np.abs(turn @ turn.T - np.eye(WIDTH)).max() < 1e-5
    assert float((turn @ one) @ (turn @ two)) == pytest.approx(float(one @ two), abs=1e-5)
    assert abs(float((turn @ one) @ (other @ one))) < 0.5
    assert np.array_equal(turn, rotation.__wrapped__(b"a" * 32))
