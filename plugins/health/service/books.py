"""The city's own books of what insurers pay: set aside when asked, paid out when booked, back when undone.

The insurer alone knows what a person has, so a personal account here has no
floor: it shows what was drawn through this city.
"""

from __future__ import annotations

from app.api import ledger
from plugins.health.models import Settlement


def set_aside(row: Settlement) -> None:
    """Hold what fund and personal account shall pay, before the insurer is asked."""
    take = _shares(row)
    if take:
        ledger.reserve(key=f"{row.id}:reserve", take=take, hold=_hold(), reference=row.id)


def pay_out(row: Settlement) -> None:
    """Give the pharmacy what was held, once the insurer has booked it."""
    total = row.fund_fen + row.account_fen
    if total:
        reserved = ledger.outcome(f"{row.id}:reserve")
        ledger.post(key=f"{row.id}:post", reserved=reserved, legs={_pharmacy(row): total}, reference=row.id)


def give_back(row: Settlement) -> None:
    """Undo whatever was held or paid for a settlement that came to nothing."""
    if not row.fund_fen + row.account_fen:
        return
    try:
        paid = ledger.outcome(f"{row.id}:post")
    except ledger.NoSuchTransfer:
        _void(row)
    else:
        ledger.reverse(key=f"{row.id}:reverse", transfer=paid, reference=row.id)


def _void(row: Settlement) -> None:
    try:
        reserved = ledger.outcome(f"{row.id}:reserve")
    except ledger.NoSuchTransfer:
        # It ended before anything was held.
        return
    ledger.void(key=f"{row.id}:void", reserved=reserved, reference=row.id)


def _shares(row: Settlement) -> dict[str, int]:
    shares = {}
    if row.fund_fen:
        shares[ledger.open_account(f"fund.{row.scheme}", hot=True)] = row.fund_fen
    if row.account_fen:
        shares[ledger.open_account("personal", holder=row.payer, floor=None)] = row.account_fen
    return shares


def _hold() -> str:
    return ledger.open_account("hold", hot=True)


def _pharmacy(row: Settlement) -> str:
    return ledger.open_account("pharmacy", holder=row.organisation, hot=True)
