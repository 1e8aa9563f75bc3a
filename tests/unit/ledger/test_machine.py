"""Random histories: the ledger agrees with a model that fits on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.db import unit_of_work
from app.errors import DomainError
from app.ids import new_id
from app.ledger import service, verify
from tests.unit.ledger.books import OWNER, held, opened

AMOUNTS = st.integers(1, 6_000)
KEYS = st.integers(0, 6).map("key {}".format)


class Histories(RuleBasedStateMachine):
    """Reserve, post, void, reverse under few keys, so that replays and clashes are common."""

    city: Flask

    def __init__(self) -> None:
        super().__init__()
        self.nonce = new_id("run")
        with self._working():
            self.books = opened(self.nonce)
        self.person, self.hold_base = 10_000, self._hold()
        self.keys: dict[str, tuple[Any, str]] = {}
        self.open: dict[str, int] = {}
        self.ended: list[str] = []

    @contextmanager
    def _working(self) -> Iterator[None]:
        with self.city.app_context(), unit_of_work():
            yield

    def _hold(self) -> int:
        with self._working():
            return held(self.books.hold)

    def _ask(self, key: str, asked: Any, call: Any) -> tuple[str, str | None]:
        try:
            with self._working():
                made = call(f"{self.nonce} {key}")
        except DomainError as refused:
            return type(refused).__name__, None
        if key in self.keys:
            assert self.keys[key] == (asked, made.id)
            assert made.replayed
            return "replayed", made.id
        assert not made.replayed
        self.keys[key] = (asked, made.id)
        return "done", made.id

    @rule(key=KEYS, amount=AMOUNTS)
    def reserve(self, key: str, amount: int) -> None:
        def call(name: str) -> service.Moved:
            return service.reserve(owner=OWNER, key=name, take={self.books.person: amount}, hold=self.books.hold)

        said, made = self._ask(key, ("reserve", amount), call)
        if said == "done" and made:
            assert self.person >= amount
            self.person -= amount
            self.open[made] = amount
        elif said == "InsufficientFunds":
            assert self.person < amount
        elif said != "replayed":
            assert said == "TransferKeyReused"
            assert self.keys[key][0] != ("reserve", amount)

    @rule(key=KEYS, which=st.integers(0, 3), pay=st.booleans())
    def end(self, key: str, which: int, pay: bool) -> None:
        parents = [*self.open, *self.ended]
        if not parents:
            return
        parent = parents[which % len(parents)]
        amount = self.open.get(parent, 1)

        def call(name: str) -> service.Moved:
            if pay:
                legs = {self.books.pharmacy: amount}
                return service.post(owner=OWNER, key=name, reserved=parent, legs=legs)
            return service.void(owner=OWNER, key=name, reserved=parent)

        if parent in self.ended and pay and key not in self.keys:
            return  # its amount is not known any more, and the ending tests say what is answered
        said, _ = self._ask(key, ("end", parent, pay), call)
        if said == "done":
            assert parent in self.open
            del self.open[parent]
            self.ended.append(parent)
            self.person += 0 if pay else amount
        elif said == "AlreadyResolved":
            assert parent in self.ended
        elif said != "replayed":
            assert said == "TransferKeyReused"

    @invariant()
    def books_agree(self) -> None:
        with self._working():
            assert held(self.books.person) == self.person
            assert held(self.books.hold) - self.hold_base == sum(self.open.values())
            assert verify.verify() == []


def test_random_histories_agree_with_the_model(clean_city: Flask) -> None:
    machine = type("Here", (Histories,), {"city": clean_city})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck),
            database=None, derandomize=True,
        ),
    )  # fmt: skip
