"""Fields refuse what a sloppy parser would read as a number or a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from app.fields import Area, Fen, Instant, Mobile, Resident


class Bill(Schema):
    amount = Fen(required=True)
    change = Fen(minimum=-100)
    at = Instant()
    mobile = Mobile()
    area = Area()
    resident = Resident()


@pytest.mark.parametrize("amount", [0, 1, 2**53 - 1])
def test_whole_fen_pass(amount: int) -> None:
    assert Bill().load({"amount": amount}) == {"amount": amount}


@pytest.mark.parametrize("amount", [1.5, 1.0, "1", "١", "１", True, False, None, -1, 2**53 + 1, 1e3, [1], {}])
def test_what_is_not_a_json_integer_of_fen_is_refused(amount: Any) -> None:
    with pytest.raises(ValidationError):
        Bill().load({"amount": amount})


def test_negative_fen_pass_only_where_allowed() -> None:
    assert Bill().load({"amount": 0, "change": -100})["change"] == -100
    with pytest.raises(ValidationError):
        Bill().load({"amount": 0, "change": -101})


def test_an_instant_is_held_in_utc() -> None:
    found = Bill().load({"amount": 0, "at": "2026-11-24T08:00:00+08:00"})

    assert found["at"] == datetime(2026, 11, 24, tzinfo=UTC)
    assert Bill().dump(found)["at"] == "2026-11-24T00:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    ["2026-11-24T08:00:00", "2026-11-24", "2026-02-30T00:00:00Z", "2026-11-24T08:00:00+0800", "٢٠٢٦-11-24T08:00:00Z",
     "0001-01-01T00:00:00+08:00", "2026-11-24T08:00:00Z\n", 1764000000, None],
)  # fmt: skip
def test_a_time_without_offset_or_that_never_was_is_refused(text: Any) -> None:
    with pytest.raises(ValidationError):
        Bill().load({"amount": 0, "at": text})


def test_identifiers_come_in_checked_and_go_out_plain() -> None:
    found = Bill().load({"amount": 0, "mobile": "15412345678", "area": "321302"})

    assert "15412345678" not in repr(found)
    assert Bill().dump(found)["mobile"] == "15412345678"


def test_a_refusal_never_quotes_the_number() -> None:
    with pytest.raises(ValidationError) as refused:
        Bill().load({"amount": 0, "resident": "110105194912310021", "mobile": "12345678901"})

    assert "110105" not in str(refused.value)
    assert "1234567" not in str(refused.value)
