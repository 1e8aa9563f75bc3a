"""Money between yuan on the wire and fen inside."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.health.insurer.money import BadAmount, from_wire, to_wire
from plugins.health.insurer.simulator.split import own_share, split

AMOUNTS = st.integers(0, 10**16 - 1)


@given(AMOUNTS)
def test_every_amount_comes_back_as_it_went(fen: int) -> None:
    assert from_wire(to_wire(fen)) == fen
    assert from_wire(Decimal(to_wire(fen))) == fen
    assert Decimal(to_wire(fen)) * 100 == fen


@pytest.mark.parametrize(("raw", "fen"), [("0", 0), ("12.3", 1230), ("0.05", 5), (7, 700), (Decimal("1.10"), 110)])
def test_numbers_and_texts_are_read_alike(raw: object, fen: int) -> None:
    assert from_wire(raw) == fen


@pytest.mark.parametrize(
    "raw", [1.5, True, None, "-1.00", "1.005", "1e3", "١.00", " 1.00", "1.00\n", "01.00", "", "NaN", Decimal("1E+3")]
)
def test_what_only_looks_like_money_is_refused(raw: object) -> None:
    with pytest.raises(BadAmount):
        from_wire(raw)


@pytest.mark.parametrize("fen", [-1, True, 1.0, 10**16, "1"])
def test_only_whole_fen_go_out(fen: object) -> None:
    with pytest.raises(BadAmount):
        to_wire(fen)  # type: ignore[arg-type]


@given(
    st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10_000)), min_size=1, max_size=20),
    st.integers(0, 10**7),
    st.sampled_from(["310", "390"]),
)
def test_parts_always_add_up_and_no_part_is_below_zero(lines: list[tuple[int, int]], balance: int, scheme: str) -> None:
    parts = split(lines, scheme=scheme, balance_fen=balance)

    assert parts.fund + parts.account + parts.cash == sum(amount for amount, _ in lines)
    assert min(parts.fund, parts.account, parts.cash) >= 0
    assert parts.account <= balance
    assert parts.cash == 0 or parts.account == balance


@pytest.mark.parametrize(("amount", "share", "own"), [(5, 1000, 1), (4, 1000, 0), (1500, 10_000, 1500), (999, 333, 33)])
def test_the_own_share_is_rounded_half_up_line_by_line(amount: int, share: int, own: int) -> None:
    assert own_share(amount, share) == own
