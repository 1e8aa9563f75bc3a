"""Settlements: one intent, one effect, whatever is lost on the way.

The intent and its message id are committed before the insurer hears of it.
Then the insurer is awaited without a connection. What comes back moves the
row once, from an open state to a final one; no answer is a state of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.api import NotFound, Page, Principal, add, enqueue, new_id, now, page, record, session, unit_of_work
from plugins.health import proofs
from plugins.health.connection import insurer
from plugins.health.errors import AlreadySettling, InsurerUnreachable, KeyUsed
from plugins.health.insurer import Desk, Order, OutcomeUnknown, Refused, Settled, Split, Unreachable
from plugins.health.models import OPEN, UNDECIDED, Quote, Settlement, SettlementLine
from plugins.health.service import books, quotes, tracing
from plugins.health.service.desks import desk_of
from plugins.health.service.messages import book, send


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What the till asks for, under its key."""

    key: str
    quote: str
    proof: str

    @property
    def request_hash(self) -> str:
        """Tell whether two requests under one key are the same."""
        return hashlib.sha256(orjson.dumps([self.quote, self.proof])).hexdigest()


def settle(*, who: Principal, intent: Intent) -> Settlement:
    """Settle a quote once; the same key answers with the same settlement for ever.

    The answer may still be open (see `OPEN`): ask
    again by id or key. Raises `KeyUsed`, `AlreadySettling`, `QuoteForeign`,
    `QuoteExpired`, `InsurerUnreachable`, and the proof's own problems.
    """
    before = _by_key(intent.key)
    if before is not None:
        return _same(before, who, intent)
    quote = quotes.usable(intent.quote, who=who, proof=intent.proof)
    desk = _desk(who)
    settlement_id = _begin(who, intent, quote)
    if settlement_id is None:
        return _after_a_race(who, intent)
    row = session().get_one(Settlement, settlement_id)
    tracing.claim(row, _keep_lines(row, quote))
    proofs.use_up(intent.proof, who=who, digest=quote.digest)
    books.set_aside(row)
    return _submit(settlement_id, desk, quotes.order_of(quote))


def of(settlement_id: str, *, who: Principal) -> Settlement:
    """Return a settlement of the asking pharmacy; raises `NotFound`."""
    found = session().get(Settlement, settlement_id)
    if found is None or found.organisation != who.organisation:
        raise NotFound()
    return found


def by_key(key: str, *, who: Principal) -> Settlement:
    """Return the settlement of a key, for ever; raises `NotFound`."""
    found = _by_key(key)
    if found is None or found.organisation != who.organisation:
        raise NotFound()
    return found


def bought_by(subject: str, *, cursor: str | None, limit: int) -> Page[Settlement]:
    """Return a citizen's own purchases, newest first."""
    mine = select(Settlement).where(Settlement.subject == subject)
    return page(mine, key=(Settlement.created_at, Settlement.id), cursor=cursor, limit=limit)


def locked(settlement_id: str) -> Settlement:
    """Return a settlement nobody else can move until this work ends."""
    return (
        session()
        .scalars(
            select(Settlement)
            .where(Settlement.id == settlement_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        .one()
    )


def book_outcome(settlement_id: str, outcome: Settled) -> Settlement:
    """Move an open settlement to what the insurer booked, and queue what follows.

    A split other than the confirmed one is never kept: it is undone.
    """
    row = locked(settlement_id)
    if row.state not in UNDECIDED:
        return row
    row.insurer_number = outcome.number
    if outcome.split != Split(fund_fen=row.fund_fen, account_fen=row.account_fen, cash_fen=row.cash_fen):
        row.state, row.reason = "undoing", "split_changed"
        enqueue("health.resolve_unknown", settlement=row.id)
        return row
    row.state, row.reason, row.ended_at = "settled", None, now()
    books.pay_out(row)
    record("health.settled", subject=row.subject, object=row.id, purpose=proofs.PURPOSE)
    enqueue("health.send_notice", settlement=row.id)
    enqueue("health.issue_receipt", settlement=row.id)
    return row


def end(settlement_id: str, *, state: str, reason: str) -> Settlement:
    """Move an open settlement to a final state without effect."""
    row = locked(settlement_id)
    if row.state in OPEN:
        row.state, row.reason, row.ended_at = state, reason, now()
        books.give_back(row)
        tracing.release(row)
        record(f"health.{state}", subject=row.subject, object=row.id, purpose=proofs.PURPOSE, outcome=reason)
    return row


def keep(settlement_id: str) -> None:
    """Let a settlement stand that the insurer would not take back."""
    with unit_of_work():
        row = locked(settlement_id)
        row.state, row.reason, row.ended_at = "settled", None, now()


def _by_key(key: str) -> Settlement | None:
    return session().scalars(select(Settlement).where(Settlement.key == key)).one_or_none()


def _same(before: Settlement, who: Principal, intent: Intent) -> Settlement:
    if before.organisation != who.organisation or before.request_hash != intent.request_hash:
        raise KeyUsed()
    return before


def _after_a_race(who: Principal, intent: Intent) -> Settlement:
    winner = _by_key(intent.key)
    if winner is None:
        raise AlreadySettling()
    return _same(winner, who, intent)


def _desk(who: Principal) -> Desk:
    try:
        return desk_of(organisation=who.organisation, operator=who.terminal or who.actor)
    except (Refused, Unreachable, OutcomeUnknown):
        raise InsurerUnreachable(headers={"Retry-After": "2"}) from None


def _begin(who: Principal, intent: Intent, quote: Quote) -> str | None:
    """Insert the intent; None when the key or the quote is taken (waits for a rival's commit)."""
    return session().scalar(
        insert(Settlement)
        .values(
            id=new_id("settlement"), key=intent.key, request_hash=intent.request_hash, quote_id=quote.id,
            organisation=who.organisation, terminal=who.terminal, subject=quote.subject, payer=quote.subject,
            scheme=quote.scheme, state="submitted",
            total_fen=quote.total_fen, fund_fen=quote.fund_fen, account_fen=quote.account_fen,
            cash_fen=quote.cash_fen, created_at=now(), sent_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(Settlement.id)
    )  # fmt: skip


def _submit(settlement_id: str, desk: Desk, order: Order) -> Settlement:
    row = locked(settlement_id)
    row.message = message = book("2102", desk.institution, settlement=row.id)
    try:
        outcome = send(message, lambda sent: insurer().settle(desk, order, message=sent))
    except Refused as refused:
        return _refuse(settlement_id, refused.code)
    except Unreachable:
        return _refuse(settlement_id, "insurer_unreachable")
    except OutcomeUnknown:
        return _leave_unknown(settlement_id)
    return book_outcome(settlement_id, outcome)


def _refuse(settlement_id: str, reason: str) -> Settlement:
    # A work of its own: the route answers with a problem, which undoes the request's work.
    with unit_of_work():
        return end(settlement_id, state="refused", reason=reason)


def _leave_unknown(settlement_id: str) -> Settlement:
    row = locked(settlement_id)
    if row.state == "submitted":
        row.state = "unknown"
        enqueue("health.resolve_unknown", settlement=row.id)
    return row


def _keep_lines(row: Settlement, quote: Quote) -> list[SettlementLine]:
    return [
        add(
            SettlementLine(
                settlement_id=row.id, position=position, code=line["code"], version=line["version"], name=line["name"],
                quantity=line["quantity"], price_fen=line["price_fen"], amount_fen=line["amount_fen"],
                trace_codes=line["trace_codes"],
            )
        )
        for position, line in enumerate(quote.lines)
    ]  # fmt: skip
