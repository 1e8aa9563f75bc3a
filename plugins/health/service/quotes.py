"""Quotes: what a purchase would cost whom, and the digest the customer confirms."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from app.api import Principal, add, new_id, now, open_sealed, record, seal, session
from plugins.health import proofs
from plugins.health.connection import insurer
from plugins.health.errors import InsurerUnreachable, NotOnCatalogue, OverPriceLimit, QuoteExpired, QuoteForeign
from plugins.health.insurer import Order, OrderLine, Split
from plugins.health.models import CatalogueItem, Quote
from plugins.health.service import catalogue, entitlement, tracing
from plugins.health.service.desks import enquire

VALID_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One line as the till sent it."""

    code: str
    quantity: int
    price_fen: int
    trace_codes: tuple[str, ...] = ()


Sold = tuple[Wanted, CatalogueItem]


def make(*, who: Principal, proof: str, lines: Sequence[Wanted]) -> Quote:
    """Return a quote for the bearer of a proof; nothing is charged.

    Raises `NotOnCatalogue`, `OverPriceLimit`, `TraceCodeMissing`,
    `TraceCodeRepeated` or `TraceCodeSold` naming the line, `NotPayable` with
    the insurer's reason, `InsurerUnreachable`.
    """
    sold = _checked(lines)
    entitled, subject = entitlement.ask(who=who, proof=proof, action="health.quote-made")
    order = Order(
        person_number=entitled.person_number,
        scheme=entitled.scheme,
        reference=new_id("quote"),
        lines=_order_lines(sold),
    )
    split = enquire(who, "2101", lambda desk, message: insurer().quote(desk, order, message=message))
    if split.total_fen != order.total_fen:
        raise InsurerUnreachable(reason="split_differs")
    return add(_quote(who=who, proof=proof, subject=subject, order=order, sold=sold, split=split))


def usable(quote_id: str, *, who: Principal, proof: str) -> Quote:
    """Return a quote this terminal may settle with this proof; raises `QuoteForeign`, `QuoteExpired`."""
    quote = session().get(Quote, quote_id)
    if quote is None or (quote.organisation, quote.terminal, quote.proof) != (who.organisation, who.terminal, proof):
        raise QuoteForeign()
    if quote.expires_at <= now():
        raise QuoteExpired(expired_at=quote.expires_at.isoformat())
    return quote


def order_of(quote: Quote) -> Order:
    """Return a quote as the insurer gets it."""
    person = open_sealed(quote.person_sealed, purpose="health-person", place=_place(quote.id)).decode()
    lines = tuple(
        OrderLine(code=line["code"], quantity=line["quantity"], price_fen=line["price_fen"]) for line in quote.lines
    )
    return Order(person_number=person, scheme=quote.scheme, reference=quote.id, lines=lines)


def digest_of(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a quote's canonical JSON: sorted names, no spaces, UTF-8."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def content_of(quote: Quote) -> dict[str, Any]:
    """Return what the digest covers: all that the customer is shown, and nothing else."""
    return {
        "id": quote.id,
        "proof": quote.proof,
        "lines": [{name: line[name] for name in ("code", "quantity", "price_fen")} for line in quote.lines],
        "total_fen": quote.total_fen,
        "fund_fen": quote.fund_fen,
        "account_fen": quote.account_fen,
        "cash_fen": quote.cash_fen,
    }


def _checked(lines: Sequence[Wanted]) -> list[Sold]:
    items = catalogue.current(line.code for line in lines)
    for position, line in enumerate(lines):
        item = items.get(line.code)
        if item is None:
            raise NotOnCatalogue(line=position, code=line.code)
        if line.price_fen > item.price_limit_fen:
            raise OverPriceLimit(line=position, code=line.code, limit_fen=item.price_limit_fen)
    sold = [(line, items[line.code]) for line in lines]
    tracing.check([(line.trace_codes, line.quantity, item) for line, item in sold])
    return sold


def _order_lines(sold: Sequence[Sold]) -> tuple[OrderLine, ...]:
    return tuple(OrderLine(code=line.code, quantity=line.quantity, price_fen=line.price_fen) for line, _ in sold)


def _quote(*, who: Principal, proof: str, subject: str, order: Order, sold: Sequence[Sold], split: Split) -> Quote:
    record("health.quoted", subject=subject, object=order.reference, purpose=proofs.PURPOSE)
    quote = Quote(
        id=order.reference, organisation=who.organisation, terminal=who.terminal, subject=subject, proof=proof,
        person_sealed=seal(order.person_number.encode(), purpose="health-person", place=_place(order.reference)),
        scheme=order.scheme, lines=[_line(line, item) for line, item in sold], total_fen=split.total_fen,
        fund_fen=split.fund_fen, account_fen=split.account_fen, cash_fen=split.cash_fen,
        expires_at=now() + VALID_FOR,
    )  # fmt: skip
    quote.digest = digest_of(content_of(quote))
    return quote


def _line(line: Wanted, item: CatalogueItem) -> dict[str, Any]:
    return {
        "code": line.code, "version": item.version, "name": item.name, "spec": item.spec, "quantity": line.quantity,
        "price_fen": line.price_fen, "amount_fen": line.quantity * line.price_fen,
        "prescription": item.prescription, "trace_codes": list(line.trace_codes),
    }  # fmt: skip


def _place(quote_id: str) -> str:
    return f"quote/{quote_id}/person"
