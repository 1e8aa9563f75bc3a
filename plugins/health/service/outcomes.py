"""Find out what became of settlements without an answer: ask, else reverse; never guess."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, or_, select

from app.api import enqueue, now, session
from plugins.health.connection import deadline_seconds, insurer
from plugins.health.insurer import Desk, OutcomeUnknown, Refused, Settled, Unreachable
from plugins.health.models import OPEN, UNDECIDED, Quote, Settlement
from plugins.health.service import quotes, settlements, undoing
from plugins.health.service.desks import desk_of
from plugins.health.service.messages import book, send

UNDECIDED_FOR = timedelta(seconds=2)


def resolve(settlement_id: str) -> bool:
    """Bring one open settlement nearer to a final state; tells whether it is final now.

    Without a definite answer it stays open, and the sweep queues it again.
    """
    row = session().get(Settlement, settlement_id)
    if row is None or row.state not in OPEN or row.message is None:
        return True
    try:
        desk = desk_of(organisation=row.organisation, operator=row.terminal, patient=True)
        return _resolve(session().get_one(Settlement, settlement_id), desk)
    except (Refused, Unreachable, OutcomeUnknown):
        return False


def sweep() -> int:
    """Queue every settlement that waits for an outcome, such as a killed process leaves; returns how many."""
    deadline = now() - timedelta(seconds=deadline_seconds())
    waiting = or_(
        and_(Settlement.state != "submitted", Settlement.sent_at < now() - UNDECIDED_FOR),
        and_(Settlement.state == "submitted", Settlement.sent_at < deadline),
    )
    found = session().scalars(select(Settlement.id).where(Settlement.ended_at.is_(None), waiting).limit(200)).all()
    for settlement_id in found:
        enqueue("health.resolve_unknown", settlement=settlement_id)
    return len(found)


def _resolve(row: Settlement, desk: Desk) -> bool:
    person = quotes.order_of(session().get_one(Quote, row.quote_id)).person_number
    if row.state == "undoing":
        return _undo(row, desk)
    if row.state == "reversing":
        return _reverse(row, desk, person)
    found = _asked(row, desk, person)
    if found is not None:
        return settlements.book_outcome(row.id, found).state not in OPEN
    if row.sent_at + timedelta(seconds=deadline_seconds()) > now():
        # Reversing now could be overtaken by the settlement itself, still on its way.
        return False
    return _reverse(row, desk, person)


def _asked(row: Settlement, desk: Desk, person: str) -> Settled | None:
    original = row.message or ""
    return send(
        book("5203", desk.institution, settlement=row.id),
        lambda message: insurer(patient=True).outcome(desk, person_number=person, original=original, message=message),
    )


def _reverse(row: Settlement, desk: Desk, person: str) -> bool:
    original, held = row.message or "", settlements.locked(row.id)
    if held.state not in (*UNDECIDED, "reversing"):
        return held.state not in OPEN
    # Committed before the reversal leaves: a late answer to the settlement must not count any more.
    held.state = "reversing"
    send(
        book("2601", desk.institution, settlement=row.id),
        lambda message: insurer(patient=True).reverse(desk, person_number=person, original=original, message=message),
    )
    settlements.end(row.id, state="reversed", reason="no_answer")
    return True


def _undo(row: Settlement, desk: Desk) -> bool:
    try:
        undoing.take_back(row, desk)
    except Refused as refused:
        if refused.code != "already_cleared" or row.reason != undoing.RETURNED:
            raise
        # The customer's wish came after the clearing: the sale stands.
        settlements.keep(row.id)
    return True
