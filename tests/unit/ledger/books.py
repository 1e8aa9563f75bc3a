"""Builders: a small set of books, and transfers written past the functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from app.db import session
from app.ids import new_id
from app.ledger import service

OWNER = "health"


@dataclass(frozen=True, slots=True)
class Books:
    """A person with 100 yuan, a hold account, a pharmacy, and a fund that may owe."""

    person: str
    hold: str
    pharmacy: str
    fund: str


def opened(holder: str = "sub_1", *, balance: int = 10_000) -> Books:
    """Open the books; the person's money comes from the fund."""
    books = Books(
        person=service.open_account(owner=OWNER, code="person", holder=holder),
        hold=service.open_account(owner=OWNER, code="hold", hot=True),
        pharmacy=service.open_account(owner=OWNER, code="pharmacy", hot=True),
        fund=service.open_account(owner=OWNER, code="fund", hot=True),
    )
    if balance:
        legs = {books.fund: -balance, books.person: balance}
        service.move(owner=OWNER, key=f"grant {holder}", legs=legs)
    return books


def held(account: str) -> int:
    """Return a balance."""
    return service.balance(account, owner=OWNER)


def raw_transfer(**changes: Any) -> str:
    """Write a transfer's row with plain SQL."""
    row = {
        "id": new_id("transfer"), "owner": OWNER, "key": new_id("key"), "request_hash": b"", "kind": "move",
        "parent_id": None, "parent_kind": None, "reference": "",
    }  # fmt: skip
    row.update(changes)
    names = ", ".join(row)
    session().execute(
        text(f"INSERT INTO app.ledger_transfer ({names}) VALUES ({', '.join(':' + name for name in row)})"), row
    )
    return str(row["id"])


def raw_entry(transfer: str, account: str, amount: int) -> None:
    """Write an entry's row with plain SQL."""
    session().execute(
        text("INSERT INTO app.ledger_entry (transfer_id, account_id, amount) VALUES (:t, :a, :n)"),
        {"t": transfer, "a": account, "n": amount},
    )
