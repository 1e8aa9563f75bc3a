"""Many at once: one effect for a key, one end for a reservation, no floor broken, no circle of waits."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import text

from app.db import session, unit_of_work
from app.errors import DomainError
from app.ledger import service, verify
from tests.unit.ledger.books import OWNER, Books, held, opened

PARALLEL = 8


def _books(city: Flask, holder: str, balance: int = 10_000) -> Books:
    with city.app_context(), unit_of_work():
        return opened(holder, balance=balance)


def _at_once(city: Flask, act: Callable[[int], object], times: int = PARALLEL) -> Counter[str]:
    together = threading.Barrier(times)

    def one(number: int) -> str:
        together.wait(20)
        try:
            with city.app_context(), unit_of_work():
                act(number)
        except DomainError as refused:
            return type(refused).__name__
        return "done"

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(one, range(times)))


def _findings(city: Flask) -> list[verify.Finding]:
    with city.app_context(), unit_of_work():
        return verify.verify()


def test_one_key_has_one_effect(clean_city: Flask) -> None:
    books = _books(clean_city, "one_key")

    said = _at_once(
        clean_city,
        lambda _: service.reserve(owner=OWNER, key="same", take={books.person: 6_000}, hold=books.hold),
    )

    assert said == {"done": PARALLEL}
    with clean_city.app_context(), unit_of_work():
        assert (held(books.person), held(books.hold)) == (4_000, 6_000)
    assert _findings(clean_city) == []


def test_a_reservation_has_one_end(clean_city: Flask) -> None:
    books = _books(clean_city, "one_end")
    with clean_city.app_context(), unit_of_work():
        reserved = service.reserve(owner=OWNER, key="r", take={books.person: 100}, hold=books.hold).id

    def end(number: int) -> None:
        if number % 2:
            service.void(owner=OWNER, key=f"end {number}", reserved=reserved)
        else:
            service.post(owner=OWNER, key=f"end {number}", reserved=reserved, legs={books.pharmacy: 100})

    assert _at_once(clean_city, end) == {"done": 1, "AlreadyResolved": PARALLEL - 1}
    assert _findings(clean_city) == []


def test_a_balance_is_never_spent_twice(clean_city: Flask) -> None:
    books = _books(clean_city, "spent", balance=300)

    said = _at_once(
        clean_city,
        lambda number: service.reserve(owner=OWNER, key=f"s {number}", take={books.person: 100}, hold=books.hold),
    )

    assert said == {"done": 3, "InsufficientFunds": PARALLEL - 3}
    assert _findings(clean_city) == []


def test_control_read_compute_write_spends_a_balance_twice(clean_city: Flask) -> None:
    books = _books(clean_city, "control", balance=300)
    looked = threading.Barrier(PARALLEL)

    def spend(_: int) -> None:
        row = {"id": books.person}
        seen = session().scalar(text("SELECT balance FROM app.ledger_account WHERE id = :id"), row)
        looked.wait(20)
        write = text("UPDATE app.ledger_account SET balance = :left WHERE id = :id")
        session().execute(write, {**row, "left": seen - 100})

    assert _at_once(clean_city, spend) == {"done": PARALLEL}
    assert "a balance is the sum of its entries" in {finding.rule for finding in _findings(clean_city)}


def test_opposite_transfers_wait_for_each_other_and_never_for_a_circle(clean_city: Flask) -> None:
    one, two = _books(clean_city, "left"), _books(clean_city, "right")

    def swap(number: int) -> None:
        for turn in range(20):
            give, take = (one.person, two.person) if (number + turn) % 2 else (two.person, one.person)
            legs = {give: -1, take: 1}
            service.move(owner=OWNER, key=f"swap {number} {turn}", legs=legs)

    assert _at_once(clean_city, swap) == {"done": PARALLEL}
    with clean_city.app_context(), unit_of_work():
        assert held(one.person) + held(two.person) == 20_000
    assert _findings(clean_city) == []


def test_counting_beside_transfers_loses_nothing(clean_city: Flask) -> None:
    books = _books(clean_city, "count", balance=100_000)

    def act(number: int) -> None:
        for turn in range(15):
            if number == 0:
                service.count_hot()
            else:
                legs = {books.person: -1, books.pharmacy: 1}
                service.move(owner=OWNER, key=f"c {number} {turn}", legs=legs)

    assert _at_once(clean_city, act, times=5) == {"done": 5}
    with clean_city.app_context(), unit_of_work():
        service.count_hot()
        assert held(books.pharmacy) == 60
    assert _findings(clean_city) == []
