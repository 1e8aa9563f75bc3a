"""What a settlement looks like from outside, and what follows from a final one."""

from __future__ import annotations

from typing import Any

from app.api import certificates, notices, now, session
from plugins.health.errors import NoAnswer, SplitChanged, settlement_refusal
from plugins.health.models import Pharmacy, Settlement

CERTIFICATE_TYPE = "medicine_receipt"


def view(row: Settlement) -> dict[str, Any]:
    """Return a settlement as tills and citizens see it: no name, no number, no diagnosis."""
    pharmacy = session().get(Pharmacy, row.organisation)
    return {
        "id": row.id,
        "state": row.state,
        "reason": row.reason,
        "quote": row.quote_id,
        "number": row.insurer_number if row.state == "settled" else None,
        "pharmacy": pharmacy.title if pharmacy is not None else None,
        "lines": row.lines,
        "total_fen": row.total_fen,
        "fund_fen": row.fund_fen,
        "account_fen": row.account_fen,
        "cash_fen": row.cash_fen,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


def effective(row: Settlement) -> dict[str, Any]:
    """Return the view of an open or settled settlement; raises the problem of one that came to nothing."""
    if row.state == "refused":
        raise settlement_refusal(row.reason or "")(settlement=row.id, reason=row.reason)
    if row.state == "reversed":
        raise NoAnswer(settlement=row.id)
    if row.state == "undone":
        raise SplitChanged(settlement=row.id)
    return view(row)


def send_notice(settlement_id: str) -> None:
    """Tell the citizen about a settled purchase."""
    row = session().get_one(Settlement, settlement_id)
    pharmacy = session().get(Pharmacy, row.organisation)
    notices.send(
        subject=row.subject,
        kind="health.settled",
        reference=row.id,
        arguments={
            "pharmacy": pharmacy.title if pharmacy is not None else "",
            "total": yuan(row.total_fen),
            "fund": yuan(row.fund_fen),
        },
        link=f"/api/health/me/settlements#{row.id}",
    )


def issue_receipt(settlement_id: str) -> None:
    """Put the receipt into the citizen's card pack."""
    row = session().get_one(Settlement, settlement_id)
    certificates.issue(CERTIFICATE_TYPE, subject=row.subject, content=content_of(row), reference=row.id)


def content_of(row: Settlement) -> dict[str, Any]:
    """Return what the receipt certificate states."""
    seen = view(row)
    return {
        "settlement": row.id,
        "number": row.insurer_number,
        "pharmacy": seen["pharmacy"],
        "settled_at": (row.ended_at or now()).isoformat(),
        "total_fen": row.total_fen,
        "fund_fen": row.fund_fen,
        "account_fen": row.account_fen,
        "cash_fen": row.cash_fen,
        "lines": [
            {"code": line.code, "name": line.name, "quantity": line.quantity, "amount_fen": line.amount_fen}
            for line in row.lines
        ],
    }


def yuan(fen: int) -> str:
    """Return fen as a person reads it."""
    return f"{fen // 100}.{fen % 100:02d}"
