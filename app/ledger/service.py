"""Move money: each movement is one SQL function, once for each key, whole or not at all.

`owner` is who the accounts belong to (a plugin, by its name); nobody moves
another's money. `legs` are fen by account, positive where money arrives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import TextClause, func, select, text
from sqlalchemy.dialects.postgresql import insert

from app.db import now, session
from app.errors import DomainError
from app.ids import new_id
from app.ledger.errors import (
    AlreadyResolved,
    BadLegs,
    InsufficientFunds,
    NoSuchTransfer,
    TransferKeyReused,
    UnusableAccount,
)  # fmt: skip
from app.ledger.models import MOVE, POST, RESERVE, REVERSE, VOID, LedgerAccount, LedgerTransfer, LedgerUncounted

# Ten thousand billion yuan: no sum of a city comes near, and sums of many stay within bigint.
LARGEST_FEN = 10**15
Legs = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer that stands; `replayed` tells that this key had made it before."""

    id: str
    replayed: bool


def open_account(*, owner: str, code: str, holder: str = "", floor: int | None = 0, hot: bool = False) -> str:
    """Return the id of an owner's account, opened on the first call.

    `floor` is the least it may hold (None: it may owe). A `hot` account has none.
    """
    made = insert(LedgerAccount).values(
        id=new_id("money"), owner=owner, code=code, holder=holder, hot=hot, floor=None if hot else floor,
        balance=0, version=0, state="open", opened_at=now(),
    )  # fmt: skip
    session().execute(made.on_conflict_do_nothing(index_elements=["owner", "code", "holder"]))
    wanted = select(LedgerAccount.id).where(
        LedgerAccount.owner == owner, LedgerAccount.code == code, LedgerAccount.holder == holder
    )
    return session().scalars(wanted).one()


def balance(account: str, *, owner: str) -> int:
    """Return what an account holds now, in fen; raises `UnusableAccount`."""
    uncounted = (
        select(func.coalesce(func.sum(LedgerUncounted.amount), 0))
        .where(LedgerUncounted.account_id == account)
        .scalar_subquery()
    )
    found = session().scalar(
        select(LedgerAccount.balance + uncounted).where(LedgerAccount.id == account, LedgerAccount.owner == owner)
    )
    if found is None:
        raise UnusableAccount
    return int(found)


def move(*, owner: str, key: str, legs: Legs, reference: str = "") -> Moved:
    """Move money between accounts at once; raises what `app.ledger.errors` names."""
    _check(legs, least=2)
    if sum(legs.values()) != 0:
        raise BadLegs
    return _moved(_MOVE, _asked(owner, key, reference, kind=MOVE, legs=legs))


def reserve(*, owner: str, key: str, take: Legs, hold: str, reference: str = "") -> Moved:
    """Put money aside on the account `hold` until it is posted or voided; `take` names positive fen by account."""
    _check(take)
    if min(take.values()) < 0 or hold in take:
        raise BadLegs
    taken = {account: -amount for account, amount in take.items()}
    return _moved(_RESERVE, {**_asked(owner, key, reference, kind=RESERVE, legs=taken, about=hold), "hold": hold})


def post(*, owner: str, key: str, reserved: str, legs: Legs, reference: str = "") -> Moved:
    """Pay out all that a reservation holds; with what the hold gives, `legs` must sum to zero."""
    _check(legs)
    return _moved(_POST, {**_asked(owner, key, reference, kind=POST, legs=legs, about=reserved), "parent": reserved})


def void(*, owner: str, key: str, reserved: str, reference: str = "") -> Moved:
    """Give back all that a reservation holds."""
    return _undo(owner=owner, key=key, parent=reserved, reference=reference, kind=VOID)


def reverse(*, owner: str, key: str, transfer: str, reference: str = "") -> Moved:
    """Undo a posted or plain transfer once, as a whole: a posted one together with its reservation."""
    return _undo(owner=owner, key=key, parent=transfer, reference=reference, kind=REVERSE)


def by_key(key: str, *, owner: str) -> LedgerTransfer:
    """Return what a key did, however long ago; raises `NoSuchTransfer`."""
    wanted = select(LedgerTransfer).where(LedgerTransfer.owner == owner, LedgerTransfer.key == key)
    found = session().scalars(wanted).first()
    if found is None:
        raise NoSuchTransfer
    return found


def count_hot() -> int:
    """Bring hot accounts' balances up to date; returns how many legs were counted."""
    return int(session().execute(text("SELECT app.ledger_count(50000)")).scalar_one())


def _undo(*, owner: str, key: str, parent: str, reference: str, kind: str) -> Moved:
    asked = _asked(owner, key, reference, kind=kind, legs={}, about=parent)
    return _moved(_UNDO, {**asked, "kind": kind, "parent": parent})


def _check(legs: Legs, *, least: int = 1) -> None:
    whole = all(type(each) is int and 0 < abs(each) <= LARGEST_FEN for each in legs.values())
    if not whole or len(legs) < least:
        raise BadLegs


def _asked(
    owner: str, key: str, reference: str, *, kind: str, legs: Legs, about: str | None = None
) -> dict[str, object]:
    said = orjson.dumps([kind, about, reference, sorted(legs.items())])
    return {
        "id": new_id("transfer"),
        "owner": owner,
        "key": key,
        "hash": hashlib.sha256(said).digest(),
        "reference": reference,
        "accounts": list(legs),
        "amounts": list(legs.values()),
    }


def _moved(call: TextClause, asked: dict[str, object]) -> Moved:
    said = session().execute(call, {name: asked[name] for name in call.compile().params}).one()
    if said.outcome not in ("done", "replayed"):
        raise _REFUSALS[said.outcome]
    return Moved(said.transfer_id, said.outcome == "replayed")


_LEGS = "cast(:accounts AS text[]), cast(:amounts AS bigint[])"
_SAY = "SELECT outcome, transfer_id FROM app."
_MOVE = text(f"{_SAY}ledger_attempt(:id, :owner, :key, :hash, 'move', null, :reference, {_LEGS})")
_RESERVE = text(f"{_SAY}ledger_reserve(:id, :owner, :key, :hash, :reference, :hold, {_LEGS})")
_POST = text(f"{_SAY}ledger_post(:id, :owner, :key, :hash, :reference, :parent, {_LEGS})")
_UNDO = text(f"{_SAY}ledger_undo(:id, :owner, :key, :hash, :reference, :kind, :parent)")

_REFUSALS: dict[str, type[DomainError]] = {
    "key_reused": TransferKeyReused,
    "resolved": AlreadyResolved,
    "insufficient": InsufficientFunds,
    "unusable": UnusableAccount,
    "no_parent": NoSuchTransfer,
}
