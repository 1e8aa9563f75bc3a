"""The adapter against the real simulator process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from demo import world
from plugins.health.insurer import Desk, Order, OrderLine, OutcomeUnknown, Refused, Unreachable
from plugins.health.insurer.envelope import message_id
from plugins.health.insurer.national import NationalInsurer
from plugins.health.insurer.simulator.world import demo_token
from plugins.health.tests.conftest import Simulated

BARE = Desk(institution="P32130299001", area="321302", operator="terminal_test")
MEDICINE = world.load().medicines[0]
_numbers = count(1)


def fresh() -> str:
    return message_id(BARE.institution, datetime.now(UTC), next(_numbers))


@pytest.fixture
def insurer(simulated: Simulated) -> Iterator[NationalInsurer]:
    made = NationalInsurer(simulated.socket, wait_seconds=0.5)
    yield made
    made.close()


@pytest.fixture
def desk(insurer: NationalInsurer) -> Desk:
    number = insurer.sign_in(BARE, message=fresh())
    return Desk(institution=BARE.institution, area=BARE.area, operator=BARE.operator, sign_number=number)


def person_of(insurer: NationalInsurer, desk: Desk, key: str = "zhao") -> tuple[str, str]:
    found = insurer.entitlement(desk, voucher=demo_token(key), message=fresh())
    return found.person_number, found.scheme


def order_for(insurer: NationalInsurer, desk: Desk, *, quantity: int = 1, key: str = "zhao") -> Order:
    person, scheme = person_of(insurer, desk, key)
    line = OrderLine(code=MEDICINE.code, quantity=quantity, price_fen=MEDICINE.price_limit_fen)
    return Order(person_number=person, scheme=scheme, reference="quote_test", lines=(line,))


def test_signing_in_twice_a_day_gives_one_number(insurer: NationalInsurer, desk: Desk) -> None:
    assert insurer.sign_in(BARE, message=fresh()) == desk.sign_number


def test_business_without_signing_in_is_refused(insurer: NationalInsurer) -> None:
    with pytest.raises(Refused, match="sign_in_expired"):
        insurer.entitlement(BARE, voucher=demo_token("lin"), message=fresh())


def test_an_entitlement_says_nothing_about_the_person(insurer: NationalInsurer, desk: Desk) -> None:
    citizen = world.load().citizen("lin")

    found = insurer.entitlement(desk, voucher=demo_token("lin"), message=fresh())

    assert (found.scheme, found.standing) == ("employee", "active")
    assert citizen.name not in repr(found)
    assert citizen.resident_id not in repr(found)


def test_an_unknown_voucher_is_not_enrolled(insurer: NationalInsurer, desk: Desk) -> None:
    with pytest.raises(Refused, match="not_enrolled"):
        insurer.entitlement(desk, voucher="EC-nobody", message=fresh())


def test_a_quote_has_no_effect_and_a_settlement_draws_on_the_account(
    insurer: NationalInsurer, desk: Desk, simulated: Simulated
) -> None:
    order = order_for(insurer, desk)
    balance = f"SELECT balance FROM insured WHERE psn_no = '{order.person_number}'"
    before = simulated.rows(balance)[0][0]

    split = insurer.quote(desk, order, message=fresh())
    unchanged = simulated.rows(balance)[0][0]
    settled = insurer.settle(desk, order, message=fresh())

    assert unchanged == before
    assert settled.split == split
    assert split.total_fen == order.total_fen
    assert simulated.rows(balance)[0][0] == before - split.account_fen


def test_the_same_message_books_once(insurer: NationalInsurer, desk: Desk, simulated: Simulated) -> None:
    order, message = order_for(insurer, desk), fresh()
    simulated.misbehave("duplicate")

    first = insurer.settle(desk, order, message=message)
    second = insurer.settle(desk, order, message=message)

    assert first == second
    assert simulated.rows(f"SELECT count(*) FROM settlement WHERE msgid = '{message}'") == [(1,)]


def test_the_same_message_with_another_content_is_refused(insurer: NationalInsurer, desk: Desk) -> None:
    message = fresh()
    insurer.settle(desk, order_for(insurer, desk), message=message)

    with pytest.raises(Refused, match="duplicate_message"):
        insurer.settle(desk, order_for(insurer, desk, quantity=2), message=message)


@pytest.mark.parametrize("kind", ["lose_answer", "late_answer"])
def test_a_lost_answer_is_unknown_and_can_be_asked_for(
    insurer: NationalInsurer, desk: Desk, simulated: Simulated, kind: str
) -> None:
    order, message = order_for(insurer, desk), fresh()
    simulated.misbehave(kind, seconds=1)

    with pytest.raises(OutcomeUnknown):
        insurer.settle(desk, order, message=message)
    found = insurer.outcome(desk, person_number=order.person_number, original=message, message=fresh())

    assert found is not None
    assert found.split.total_fen == order.total_fen


def test_a_lost_request_books_nothing_and_its_reversal_holds_even_against_a_late_arrival(
    insurer: NationalInsurer, desk: Desk, simulated: Simulated
) -> None:
    order, message = order_for(insurer, desk), fresh()
    simulated.misbehave("lose_request")

    with pytest.raises(OutcomeUnknown):
        insurer.settle(desk, order, message=message)
    assert insurer.outcome(desk, person_number=order.person_number, original=message, message=fresh()) is None
    insurer.reverse(desk, person_number=order.person_number, original=message, message=fresh())

    with pytest.raises(Refused, match="reversed"):
        insurer.settle(desk, order, message=message)


def test_a_reversal_gives_the_money_back_once(insurer: NationalInsurer, desk: Desk, simulated: Simulated) -> None:
    order, message = order_for(insurer, desk), fresh()
    balance = f"SELECT balance FROM insured WHERE psn_no = '{order.person_number}'"
    before = simulated.rows(balance)
    insurer.settle(desk, order, message=message)

    for _ in range(2):
        insurer.reverse(desk, person_number=order.person_number, original=message, message=fresh())

    assert simulated.rows(balance) == before


def test_an_undo_works_once(insurer: NationalInsurer, desk: Desk) -> None:
    order = order_for(insurer, desk)
    settled = insurer.settle(desk, order, message=fresh())

    insurer.undo(desk, person_number=order.person_number, number=settled.number, message=fresh())

    with pytest.raises(Refused, match="already_undone"):
        insurer.undo(desk, person_number=order.person_number, number=settled.number, message=fresh())


@pytest.mark.parametrize("kind", ["garble", "down"])
def test_an_answer_that_is_none_leaves_the_outcome_unknown(
    insurer: NationalInsurer, desk: Desk, simulated: Simulated, kind: str
) -> None:
    order = order_for(insurer, desk)
    simulated.misbehave(kind)

    with pytest.raises(OutcomeUnknown):
        insurer.settle(desk, order, message=fresh())


# httpcore leaves a unix socket that could not connect to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_at_the_other_end_means_nothing_was_sent() -> None:
    insurer = NationalInsurer("/nonexistent/insurer.sock")

    with pytest.raises(Unreachable):
        insurer.sign_in(BARE, message=fresh())
    insurer.close()
    gc.collect()


def test_a_province_that_counts_the_account_within_the_fund(insurer: NationalInsurer) -> None:
    inclusive = NationalInsurer("/nonexistent/insurer.sock", fund_includes_account=True)
    info = {"fund_pay_sumamt": "9.00", "acct_pay": "1.00", "psn_cash_pay": "2.00", "medfee_sumamt": "11.00"}

    split = inclusive._split(info)

    assert (split.fund_fen, split.account_fen, split.cash_fen) == (800, 100, 200)
    with pytest.raises(ValueError, match="add up"):
        insurer._split(info)
