"""Fourteen and eighteen are reached on the birthday, in the city's calendar."""

from __future__ import annotations

from datetime import date

import pytest

from identity.parties.ages import Stage, stage


@pytest.mark.parametrize(
    ("born", "on", "expected"),
    [
        ("2012-05-01", "2026-04-30", Stage.CHILD),
        ("2012-05-01", "2026-05-01", Stage.MINOR),
        ("2008-05-01", "2026-04-30", Stage.MINOR),
        ("2008-05-01", "2026-05-01", Stage.ADULT),
        ("2012-02-29", "2026-02-28", Stage.CHILD),
        ("2012-02-29", "2026-03-01", Stage.MINOR),
        ("2008-02-29", "2026-02-28", Stage.MINOR),
        ("2008-02-29", "2026-03-01", Stage.ADULT),
        ("2026-05-01", "2026-05-01", Stage.CHILD),
    ],
)
def test_a_stage_is_a_matter_of_the_day(born: str, on: str, expected: Stage) -> None:
    assert stage(date.fromisoformat(born), on=date.fromisoformat(on)) is expected
