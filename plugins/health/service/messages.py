"""Messages to the insurer: committed before they are sent, closed when answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import update

from app.api import add, now, outside_wait, session, unit_of_work
from plugins.health.insurer import OutcomeUnknown, Refused, Unreachable
from plugins.health.insurer.envelope import message_id
from plugins.health.models import MESSAGE_SEQUENCE, InsurerMessage

T = TypeVar("T")


def book(transaction: str, institution: str, *, settlement: str | None = None) -> str:
    """Write down a message that is about to be sent; returns its id."""
    number = session().scalar(MESSAGE_SEQUENCE.next_value()) or 0
    message = message_id(institution, now(), number)
    add(InsurerMessage(id=message, transaction=transaction, institution=institution, settlement_id=settlement))
    return message


def send(message: str, call: Callable[[str], T]) -> T:
    """Commit, then send a booked message while no connection is held.

    Raises what the insurer raised; how the message ended is kept either way.
    """
    try:
        with outside_wait():
            answer = call(message)
    except Refused as refused:
        _close(message, "refused", refused.code)
        raise
    except Unreachable:
        _close(message, "unsent")
        raise
    except OutcomeUnknown:
        _close(message, "unknown")
        raise
    session().execute(
        update(InsurerMessage).where(InsurerMessage.id == message).values(state="answered", ended_at=now())
    )
    return answer


def _close(message: str, state: str, code: str | None = None) -> None:
    # A work of its own: the caller may turn the failure into an answer that undoes the request's work.
    with unit_of_work():
        session().execute(
            update(InsurerMessage)
            .where(InsurerMessage.id == message)
            .values(state=state, code=code, ended_at=now() if state != "unknown" else None)
        )
