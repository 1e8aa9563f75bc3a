"""Undo a whole settlement at the till: the packs come back, the money goes back, once."""

from __future__ import annotations

from app.api import Principal, enqueue, record, session
from plugins.health import proofs
from plugins.health.connection import insurer
from plugins.health.errors import AlreadyCleared, InsurerUnreachable, NotUndoable
from plugins.health.insurer import Desk, OutcomeUnknown, Refused, Unreachable
from plugins.health.models import Quote, Settlement
from plugins.health.service import quotes, settlements
from plugins.health.service.desks import desk_of
from plugins.health.service.messages import book, send

RETURNED = "returned"


def undo(settlement_id: str, *, who: Principal) -> Settlement:
    """Take a settlement of this pharmacy back; a second call answers with what became of the first.

    The answer may still be open: ask again. Raises `NotFound`, `NotUndoable`
    for one that never settled, `AlreadyCleared`, `InsurerUnreachable`.
    """
    settlements.of(settlement_id, who=who)
    desk = _desk(who)
    row = settlements.locked(settlement_id)
    if row.state in ("undoing", "undone"):
        return row
    if row.state != "settled":
        raise NotUndoable(state=row.state)
    # Committed before the insurer hears of it: whatever is lost, a job goes on with it.
    row.state, row.reason, row.ended_at = "undoing", RETURNED, None
    record("health.undo-asked", subject=row.subject, object=row.id, purpose=proofs.PURPOSE)
    try:
        take_back(row, desk)
    except Refused as refused:
        settlements.keep(settlement_id)
        raise AlreadyCleared(settlement=settlement_id, reason=refused.code) from None
    except (Unreachable, OutcomeUnknown):
        enqueue("health.resolve_unknown", settlement=settlement_id)
    return settlements.locked(settlement_id)


def take_back(row: Settlement, desk: Desk) -> None:
    """Send the undo and book that it is undone; raises `Refused` unless it was undone before."""
    number, reason = row.insurer_number or "", row.reason or ""
    person = quotes.order_of(session().get_one(Quote, row.quote_id)).person_number
    try:
        send(
            book("2103", desk.institution, settlement=row.id),
            lambda message: insurer(patient=True).undo(desk, person_number=person, number=number, message=message),
        )
    except Refused as refused:
        # The answer to an earlier undo was lost: it is undone all the same.
        if refused.code != "already_undone":
            raise
    settlements.end(row.id, state="undone", reason=reason)


def _desk(who: Principal) -> Desk:
    try:
        return desk_of(organisation=who.organisation, operator=who.terminal or who.actor)
    except (Refused, Unreachable, OutcomeUnknown):
        raise InsurerUnreachable(headers={"Retry-After": "2"}) from None
