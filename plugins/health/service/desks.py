"""A till's standing with the insurer: designated, and signed in for the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from app.api import Principal, now, session
from plugins.health.connection import insurer
from plugins.health.errors import InsurerUnreachable, NotDesignated, refusal
from plugins.health.insurer import Desk, OutcomeUnknown, Refused, Unreachable
from plugins.health.insurer.envelope import CHINA
from plugins.health.models import Pharmacy, SignIn
from plugins.health.service.messages import book, send

T = TypeVar("T")


def desk_of(*, organisation: str | None, operator: str, patient: bool = False) -> Desk:
    """Return the till's desk, signed in for today.

    Raises `NotDesignated`; may wait for the insurer, so call it before
    anything that must not be committed early.
    """
    pharmacy = session().get(Pharmacy, organisation or "")
    if pharmacy is None:
        raise NotDesignated()
    bare = Desk(institution=pharmacy.institution, area=pharmacy.area, operator=operator)
    known = session().get(SignIn, (bare.institution, operator, today()))
    number = known.number if known is not None else _sign_in(bare, patient=patient)
    return Desk(institution=bare.institution, area=bare.area, operator=operator, sign_number=number)


def enquire(who: Principal, transaction: str, call: Callable[[Desk, str], T]) -> T:
    """Send a message that changes nothing at the insurer; raises the problem a pharmacist can read."""
    try:
        return _enquire(who, transaction, call)
    except Refused as refused:
        if refused.code != "sign_in_expired":
            raise refusal(refused.code) from None
    except (Unreachable, OutcomeUnknown):
        raise InsurerUnreachable(headers={"Retry-After": "2"}) from None
    return _signed_in_again(who, transaction, call)


def today() -> date:
    """Return the business day: the date in China."""
    return now().astimezone(CHINA).date()


def _enquire(who: Principal, transaction: str, call: Callable[[Desk, str], T]) -> T:
    desk = desk_of(organisation=who.organisation, operator=who.terminal or who.actor)
    return send(book(transaction, desk.institution), lambda message: call(desk, message))


def _signed_in_again(who: Principal, transaction: str, call: Callable[[Desk, str], T]) -> T:
    session().execute(delete(SignIn).where(SignIn.operator == (who.terminal or who.actor)))
    try:
        return _enquire(who, transaction, call)
    except Refused as refused:
        raise refusal(refused.code) from None
    except (Unreachable, OutcomeUnknown):
        raise InsurerUnreachable(headers={"Retry-After": "2"}) from None


def _sign_in(desk: Desk, *, patient: bool) -> str:
    number = send(
        book("9001", desk.institution), lambda message: insurer(patient=patient).sign_in(desk, message=message)
    )
    session().execute(
        insert(SignIn)
        .values(institution=desk.institution, operator=desk.operator, day=today(), number=number)
        .on_conflict_do_update(index_elements=["institution", "operator", "day"], set_={"number": number})
    )
    return number
