"""Each movement happens once for its key, whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.db import UnitOfWork, session
from app.ledger import service, verify
from app.ledger.errors import (
    AlreadyResolved,
    BadLegs,
    InsufficientFunds,
    NoSuchTransfer,
    TransferKeyReused,
    UnusableAccount,
)  # fmt: skip
from app.ledger.models import LedgerAccount, LedgerTransfer
from tests.unit.ledger.books import OWNER, Books, held, opened


@pytest.fixture
def books(work: UnitOfWork) -> Books:
    return opened()


def _reserve(books: Books, amount: int = 3_000, key: str = "reserve") -> str:
    return service.reserve(owner=OWNER, key=key, take={books.person: amount}, hold=books.hold).id


def _post(books: Books, reserved: str, key: str = "post") -> service.Moved:
    legs = {books.fund: -7_000, books.pharmacy: 10_000}
    return service.post(owner=OWNER, key=key, reserved=reserved, legs=legs)


def _transfers() -> int:
    return session().scalar(select(func.count()).select_from(LedgerTransfer)) or 0


def _all(books: Books) -> tuple[int, int, int, int]:
    return held(books.person), held(books.hold), held(books.pharmacy), held(books.fund)


def test_a_purchase_reserves_then_pays_the_pharmacy(books: Books) -> None:
    reserved = _reserve(books)
    assert _all(books) == (7_000, 3_000, 0, -10_000)

    _post(books, reserved)

    assert _all(books) == (7_000, 0, 10_000, -17_000)
    assert verify.verify() == []


def test_a_voided_reservation_gives_all_back(books: Books) -> None:
    service.void(owner=OWNER, key="void", reserved=_reserve(books))

    assert _all(books) == (10_000, 0, 0, -10_000)
    assert verify.verify() == []


def test_a_reversed_purchase_leaves_everyone_as_before_it(books: Books) -> None:
    posted = _post(books, _reserve(books))

    service.reverse(owner=OWNER, key="reverse", transfer=posted.id)

    assert _all(books) == (10_000, 0, 0, -10_000)
    assert verify.verify() == []


def test_the_same_key_and_legs_answer_with_the_first_transfer(books: Books) -> None:
    first = _reserve(books)
    before = _transfers()

    again = service.reserve(owner=OWNER, key="reserve", take={books.person: 3_000}, hold=books.hold)

    assert (again.id, again.replayed) == (first, True)
    assert _transfers() == before
    assert service.by_key("reserve", owner=OWNER).id == first


@pytest.mark.parametrize("change", [{"take": {"person": 2_999}}, {"hold": "pharmacy"}, {"reference": "other"}], ids=str)
def test_a_key_with_another_request_is_refused(books: Books, change: dict[str, Any]) -> None:
    _reserve(books)
    named = {name: getattr(books, name) for name in ("person", "hold", "pharmacy")}
    asked = {"take": {"person": 3_000}, "hold": "hold", "reference": "", **change}

    with pytest.raises(TransferKeyReused):
        service.reserve(
            owner=OWNER,
            key="reserve",
            take={named[name]: amount for name, amount in asked["take"].items()},
            hold=named[asked["hold"]],
            reference=asked["reference"],
        )


def test_a_refusal_leaves_nothing_not_even_its_key(books: Books) -> None:
    with pytest.raises(InsufficientFunds):
        _reserve(books, 10_001)

    assert _all(books) == (10_000, 0, 0, -10_000)
    assert _reserve(books, 9_999)  # the key is free still


def test_a_reservation_is_resolved_once(books: Books) -> None:
    reserved = _reserve(books)
    _post(books, reserved)

    with pytest.raises(AlreadyResolved):
        service.void(owner=OWNER, key="void", reserved=reserved)
    with pytest.raises(AlreadyResolved):
        _post(books, reserved, key="post again")


def test_a_transfer_is_reversed_once(books: Books) -> None:
    posted = _post(books, _reserve(books))
    service.reverse(owner=OWNER, key="reverse", transfer=posted.id)

    with pytest.raises(AlreadyResolved):
        service.reverse(owner=OWNER, key="reverse again", transfer=posted.id)


def test_only_what_fits_can_be_ended(books: Books) -> None:
    reserved = _reserve(books)
    moved = service.move(owner=OWNER, key="move", legs={books.person: -1, books.fund: 1}).id

    with pytest.raises(NoSuchTransfer):
        service.reverse(owner=OWNER, key="a", transfer=reserved)
    with pytest.raises(NoSuchTransfer):
        service.void(owner=OWNER, key="b", reserved=moved)
    with pytest.raises(NoSuchTransfer):
        service.void(owner=OWNER, key="c", reserved="transfer_unknown")
    with pytest.raises(NoSuchTransfer):
        service.by_key("never used", owner=OWNER)


def test_nobody_moves_or_sees_anothers_money(books: Books) -> None:
    theirs = service.open_account(owner="housing", code="fund", hot=True)
    reserved = _reserve(books)

    with pytest.raises(UnusableAccount):
        service.move(owner="housing", key="k", legs={books.person: -5, theirs: 5})
    with pytest.raises(UnusableAccount):
        service.balance(books.person, owner="housing")
    with pytest.raises(NoSuchTransfer):
        service.void(owner="housing", key="k", reserved=reserved)
    with pytest.raises(NoSuchTransfer):
        service.by_key("reserve", owner="housing")


def test_a_closed_account_is_not_used(books: Books) -> None:
    session().get_one(LedgerAccount, books.person).state = "closed"
    session().flush()

    with pytest.raises(UnusableAccount):
        _reserve(books)


def test_post_must_balance_with_what_is_held(books: Books) -> None:
    reserved = _reserve(books)

    service.post(owner=OWNER, key="post", reserved=reserved, legs={books.pharmacy: 2_999})

    with pytest.raises(IntegrityError, match="sum to"), session().begin_nested():
        session().execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


@pytest.mark.parametrize("amount", [0, 1.5, "1", True, None, 10**15 + 1, -(10**15) - 1])
def test_amounts_are_whole_fen_of_a_sane_size(books: Books, amount: Any) -> None:
    with pytest.raises(BadLegs):
        service.reserve(owner=OWNER, key="k", take={books.person: amount}, hold=books.hold)
    with pytest.raises(BadLegs):
        service.move(owner=OWNER, key="k", legs={books.person: amount, books.fund: 1})


def test_legs_must_sum_to_zero_and_a_hold_takes_from_others(books: Books) -> None:
    for legs in ({books.person: -5, books.fund: 4}, {books.person: -5}, {}):
        with pytest.raises(BadLegs):
            service.move(owner=OWNER, key="k", legs=legs)
    for take in ({books.person: -5}, {books.hold: 5}, {}):
        with pytest.raises(BadLegs):
            service.reserve(owner=OWNER, key="k", take=take, hold=books.hold)


def test_a_hot_balance_is_right_before_and_after_it_is_counted(books: Books) -> None:
    _post(books, _reserve(books))
    before = _all(books)

    assert service.count_hot() > 0

    assert _all(books) == before
    assert session().get_one(LedgerAccount, books.fund, populate_existing=True).balance == before[3]
    assert service.count_hot() == 0
    assert verify.verify() == []


def test_an_account_is_opened_once(books: Books) -> None:
    assert service.open_account(owner=OWNER, code="person", holder="sub_1") == books.person
    assert service.open_account(owner=OWNER, code="person", holder="sub_2") != books.person
