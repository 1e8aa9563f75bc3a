"""Drug traceability codes: scanned before the fund pays, sold once, free again when returned."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert

from app.api import now, session
from plugins.health.errors import TraceCodeMissing, TraceCodeRepeated, TraceCodeSold
from plugins.health.models import CatalogueItem, Settlement, SettlementLine, TraceCodeUse


def check(lines: Sequence[tuple[Sequence[str], int, CatalogueItem]]) -> None:
    """Check the codes of (codes, quantity, medicine) lines before a quote.

    Raises `TraceCodeMissing` for a traced medicine with fewer codes than
    packs, `TraceCodeRepeated`, and `TraceCodeSold` for one sold before.
    """
    seen: dict[str, int] = {}
    for position, (codes, quantity, item) in enumerate(lines):
        if item.traced and len(codes) < quantity:
            raise TraceCodeMissing(line=position, code=item.code, needed=quantity, given=len(codes))
        for code in codes:
            if code in seen:
                raise TraceCodeRepeated(line=position, first_line=seen[code])
            seen[code] = position
    sold = session().scalars(select(TraceCodeUse.code).where(TraceCodeUse.code.in_(list(seen)), _alive())).first()
    if sold is not None:
        raise TraceCodeSold(line=seen[sold])


def claim(row: Settlement, lines: Sequence[SettlementLine]) -> None:
    """Take the codes of a settlement, all or none; raises `TraceCodeSold` naming the line.

    Waits for a rival that claims the same code right now.
    """
    wanted = {code: line.position for line in lines for code in line.trace_codes}
    if not wanted:
        return
    rows = [{"code": code, "settlement_id": row.id, "claimed_at": now()} for code in sorted(wanted)]
    taken = session().scalars(insert(TraceCodeUse).values(rows).on_conflict_do_nothing().returning(TraceCodeUse.code))
    missing = set(wanted) - set(taken.all())
    if missing:
        raise TraceCodeSold(line=min(wanted[code] for code in missing))


def release(row: Settlement) -> None:
    """Let the codes of a settlement be sold again: it came to nothing, or the packs were returned."""
    session().execute(
        update(TraceCodeUse).where(TraceCodeUse.settlement_id == row.id, _alive()).values(returned_at=now())
    )


def uses_of(code: str, *, organisation: str | None) -> list[tuple[TraceCodeUse, Settlement]]:
    """Return every sale of a pack by this pharmacy, newest first."""
    found = session().execute(
        select(TraceCodeUse, Settlement)
        .join(Settlement, Settlement.id == TraceCodeUse.settlement_id)
        .where(TraceCodeUse.code == code, Settlement.organisation == organisation)
        .order_by(TraceCodeUse.claimed_at.desc())
    )
    return [(use, row) for use, row in found]


def _alive() -> ColumnElement[bool]:
    return TraceCodeUse.returned_at.is_(None)
