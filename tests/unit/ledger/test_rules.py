"""PostgreSQL itself refuses what would make money appear, vanish or change its past."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import UnitOfWork, session
from app.ledger import service, verify
from tests.unit.ledger.books import OWNER, Books, opened, raw_entry, raw_transfer


@pytest.fixture
def books(work: UnitOfWork) -> Books:
    return opened()


def _settle_constraints() -> None:
    # What a commit would do: deferred triggers speak now.
    session().execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session().execute(text("SET CONSTRAINTS ALL DEFERRED"))


def _committed(wrong: Callable[[Books], None], books: Books) -> None:
    wrong(books)
    _settle_constraints()


def _unbalanced(books: Books) -> None:
    transfer = raw_transfer()
    raw_entry(transfer, books.person, 5)
    raw_entry(transfer, books.fund, -4)


def _one_leg(books: Books) -> None:
    raw_entry(raw_transfer(), books.person, 5)


def _no_leg(books: Books) -> None:
    raw_transfer()


def _late_entry(books: Books) -> None:
    made = service.move(owner=OWNER, key="k", legs={books.person: -5, books.fund: 5})
    _settle_constraints()
    raw_entry(made.id, books.pharmacy, 7)


def _zero_leg(books: Books) -> None:
    raw_entry(raw_transfer(), books.person, 0)


def _below_floor(books: Books) -> None:
    session().execute(text("UPDATE app.ledger_account SET balance = -1 WHERE id = :id"), {"id": books.person})


def _hot_with_floor(books: Books) -> None:
    session().execute(text("UPDATE app.ledger_account SET floor = 0 WHERE id = :id"), {"id": books.fund})


def _reserved(books: Books) -> str:
    return service.reserve(owner=OWNER, key="r", take={books.person: 100}, hold=books.hold).id


def _posted_twice(books: Books) -> None:
    parent = _reserved(books)
    raw_transfer(kind="post", parent_id=parent, parent_kind="reserve")
    raw_transfer(kind="void", parent_id=parent, parent_kind="reserve")


def _reversed_twice(books: Books) -> None:
    parent = service.move(owner=OWNER, key="k", legs={books.person: -5, books.fund: 5}).id
    raw_transfer(kind="reverse", parent_id=parent, parent_kind="move")
    raw_transfer(kind="reverse", parent_id=parent, parent_kind="move")


def _reservation_reversed(books: Books) -> None:
    raw_transfer(kind="reverse", parent_id=_reserved(books), parent_kind="reserve")


def _kind_of_parent_made_up(books: Books) -> None:
    raw_transfer(kind="reverse", parent_id=_reserved(books), parent_kind="move")


def _post_without_parent(books: Books) -> None:
    raw_transfer(kind="post")


def _key_twice(books: Books) -> None:
    raw_transfer(key="same")
    raw_transfer(key="same")


def _changed(table: str, change: str) -> Callable[[Books], None]:
    def change_past(books: Books) -> None:
        service.move(owner=OWNER, key="k", legs={books.person: -5, books.fund: 5})
        _settle_constraints()
        session().execute(text(change))

    change_past.__name__ = f"_{change.split(maxsplit=1)[0].lower()}_{table}"
    return change_past


@pytest.mark.parametrize(
    "wrong",
    [
        _unbalanced, _one_leg, _no_leg, _late_entry, _zero_leg, _below_floor, _hot_with_floor, _posted_twice,
        _reversed_twice, _reservation_reversed, _kind_of_parent_made_up, _post_without_parent, _key_twice,
        _changed("entry", "UPDATE app.ledger_entry SET amount = amount * 2"),
        _changed("entry", "DELETE FROM app.ledger_entry"),
        _changed("entry", "TRUNCATE app.ledger_entry"),
        _changed("transfer", "UPDATE app.ledger_transfer SET key = 'other'"),
        _changed("transfer", "DELETE FROM app.ledger_transfer"),
        _changed("transfer", "TRUNCATE app.ledger_transfer CASCADE"),
        _changed("account", "DELETE FROM app.ledger_account"),
        _changed("account", "TRUNCATE app.ledger_account"),
    ],
    ids=lambda wrong: wrong.__name__.strip("_"),
)  # fmt: skip
def test_the_database_refuses(books: Books, wrong: Callable[[Books], None]) -> None:
    with pytest.raises(DBAPIError) as refused, session().begin_nested():
        _committed(wrong, books)

    # Integrity (23...) or a rule of ours, never a mistake in the test's own SQL.
    assert str(refused.value.orig.sqlstate).startswith("23") or "append-only" in str(refused.value.orig)


# Each control takes one rule away, lets the same wrong through, and the books' checker must find it.
_CONTROLS = [
    ("ALTER TABLE app.ledger_transfer DISABLE TRIGGER balanced; ALTER TABLE app.ledger_entry DISABLE TRIGGER balanced",
     _unbalanced, "legs sum to zero, two at least"),
    ("ALTER TABLE app.ledger_entry DISABLE TRIGGER balanced", _late_entry, "legs sum to zero, two at least"),
    ("ALTER TABLE app.ledger_account DROP CONSTRAINT ck_ledger_account_floor", _below_floor,
     "no balance is below its floor"),
    ("ALTER TABLE app.ledger_transfer DROP CONSTRAINT uq_ledger_transfer_owner_key", _key_twice,
     "one key, one transfer"),
    ("DROP INDEX app.uq_ledger_transfer_resolution", _posted_twice, "a reservation is resolved once"),
    ("DROP INDEX app.uq_ledger_transfer_reversal", _reversed_twice, "a transfer is reversed once"),
    ("ALTER TABLE app.ledger_entry DISABLE TRIGGER append_only",
     _changed("entry", "UPDATE app.ledger_entry SET amount = amount * 2"), "a balance is the sum of its entries"),
]  # fmt: skip


@pytest.mark.parametrize(("without", "wrong", "rule"), _CONTROLS, ids=[rule for _, _, rule in _CONTROLS])
def test_control_without_its_rule_the_same_wrong_is_found_by_the_checker(
    books: Books, without: str, wrong: Callable[[Books], None], rule: str
) -> None:
    assert verify.verify() == []
    _settle_constraints()
    for statement in without.split(";"):
        session().execute(text(statement))

    wrong(books)

    assert rule in {finding.rule for finding in verify.verify()}
