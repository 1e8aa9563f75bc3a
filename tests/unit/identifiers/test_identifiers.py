"""Each identifier takes what the standard allows and nothing that only looks like it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers import AreaCode, BadIdentifier, CreditCode, MobileNumber, ResidentId, TraceCode
from app.identifiers.credit_code import check_sign as credit_check
from app.identifiers.resident_id import check_sign as resident_check
from demo.world import load

REAL_SHAPES = ["11010519491231002X", "440524188001010014"]  # the examples of GB 11643 itself
CREDIT = "91350100M000100Y43"  # the example of GB 32100 itself


@pytest.mark.parametrize("text", REAL_SHAPES)
def test_the_standards_own_resident_ids_pass(text: str) -> None:
    assert ResidentId.parse(text).reveal() == text


def test_the_standards_own_credit_code_passes() -> None:
    assert CreditCode.parse(CREDIT).reveal() == CREDIT


@pytest.mark.parametrize(
    "text",
    [
        "", "11010519491231002", "11010519491231002XX", " 11010519491231002X", "11010519491231002X\n",
        "１１０１０５１９４９１２３１００２X", "11010519491231002١", "110105194912310021", "1101051949123100X2",
        "01010519491231002X", None, 11010519491231002, b"11010519491231002X",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_resident_id_is_refused(text: Any) -> None:
    with pytest.raises(BadIdentifier):
        ResidentId.parse(text)


@pytest.mark.parametrize("birth", ["19490229", "19491301", "19490431", "19490000", "00010101"])
def test_a_birth_date_that_never_was_is_refused(birth: str) -> None:
    body = f"110105{birth}002"

    with pytest.raises(BadIdentifier):
        ResidentId.parse(body + resident_check(body))


def test_a_birth_date_in_the_future_is_refused() -> None:
    body = f"110105{date.today() + timedelta(days=2):%Y%m%d}002"

    with pytest.raises(BadIdentifier):
        ResidentId.parse(body + resident_check(body))


def test_the_area_of_invented_people_passes_only_where_it_is_asked_for() -> None:
    text = load().citizen("lin").resident_id

    assert ResidentId.parse(text, demo=True).birth_date == date(1980, 7, 26)
    with pytest.raises(BadIdentifier):
        ResidentId.parse(text)


def test_a_small_x_is_read_as_the_large_one() -> None:
    assert ResidentId.parse("11010519491231002x") == ResidentId.parse("11010519491231002X")


def substitutions(text: str, signs: str) -> list[str]:
    return [text[:at] + sign + text[at + 1 :] for at in range(len(text)) for sign in signs if sign != text[at]]


@given(
    area=st.sampled_from(["110105", "321302", "440524", "650102"]),
    born=st.dates(date(1900, 1, 1), date(2020, 12, 31)),
    sequence=st.integers(1, 999),
)
def test_every_single_wrong_digit_of_a_resident_id_is_caught(area: str, born: date, sequence: int) -> None:
    body = f"{area}{born:%Y%m%d}{sequence:03d}"
    good = body + resident_check(body)

    assert ResidentId.parse(good).birth_date == born
    for wrong in substitutions(good, "0123456789"):
        with pytest.raises(BadIdentifier):
            ResidentId.parse(wrong)


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=9, max_size=9))
def test_every_single_wrong_sign_of_a_credit_code_is_caught(tail: str) -> None:
    body = "91321302" + tail
    good = body + credit_check(body)

    assert CreditCode.parse(good).reveal() == good
    for wrong in substitutions(good, "0123456789ABCDEFGHJKLMNPQRTUWXYIOZSVa１"):
        with pytest.raises(BadIdentifier):
            CreditCode.parse(wrong)


@pytest.mark.parametrize("text", ["15412345678", "13000000000", "19999999999"])
def test_mobile_numbers_pass(text: str) -> None:
    assert MobileNumber.parse(text).tail == text[-4:]


@pytest.mark.parametrize(
    "text", ["12345678901", "1541234567", "154123456789", "+8615412345678", "1541234567１", "١٥٤١٢٣٤٥٦٧٨"]
)
def test_what_only_looks_like_a_mobile_number_is_refused(text: str) -> None:
    with pytest.raises(BadIdentifier):
        MobileNumber.parse(text)


@pytest.mark.parametrize(
    "text", ["7" + "1" * 19, "8" + "1" * 18, "8" + "1" * 20, "8" + "1" * 18 + "１", "8" + "1" * 18 + "X"]
)
def test_what_only_looks_like_a_trace_code_is_refused(text: str) -> None:
    with pytest.raises(BadIdentifier):
        TraceCode.parse(text)


def test_a_trace_code_passes() -> None:
    assert TraceCode.parse("81234567890123456789").reveal() == "81234567890123456789"


@pytest.mark.parametrize("text", ["321399", "3213021", "32130", "３２１３０２", "321302 ", ""])
def test_unknown_areas_are_refused(text: str) -> None:
    with pytest.raises(BadIdentifier):
        AreaCode.parse(text)


def test_numbers_never_print_themselves_and_errors_never_quote_them() -> None:
    number = "11010519491231002X"
    for shown in (str(ResidentId.parse(number)), repr(ResidentId.parse(number)), f"{ResidentId.parse(number)}"):
        assert number not in shown
        assert number[6:14] not in shown
    with pytest.raises(BadIdentifier) as refused:
        ResidentId.parse("110105194912310021")
    assert "110105" not in str(refused.value)


def test_every_number_of_the_demo_world_is_good() -> None:
    world = load()

    for citizen in world.citizens:
        assert ResidentId.parse(citizen.resident_id, demo=True).area == "329999"
        assert MobileNumber.parse(citizen.mobile)
        assert AreaCode.parse(citizen.area).level == "county"
    for pharmacy in world.pharmacies:
        assert CreditCode.parse(pharmacy.credit_code)
        assert len(pharmacy.institution_code) == 12
    assert len(world.citizens) >= 40
    assert sorted(each.face for each in world.citizens if each.face) == ["person_a", "person_b"]
