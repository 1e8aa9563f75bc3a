"""Window staff sees to a person's affairs: with a reason, for a while, and the person is told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app import audit
from app.db import add, now, session
from app.errors import NotFound
from app.notices import service as notices
from app.text import Text
from identity.parties import acting, ending, people
from identity.parties.acting_models import Assistance
from identity.parties.errors import AlreadyGiven, CannotBeGiven, NotStaff, OneselfOnly
from identity.parties.models import Person
from identity.parties.staff import WINDOW, holds_role

LASTS = timedelta(minutes=30)
REASONS = {
    "at-window": Text("本人到窗口办理", "came to the window"),
    "no-device": Text("没有智能手机", "has no smartphone"),
    "disability": Text("行动或视听不便", "needs help with a disability"),
    "recovery": Text("无法登录", "cannot log in"),
}


def begin(staff: str, *, place: str, name: str, resident_id: str, reason: str) -> Assistance:
    """Begin to act for the person who stands at the window; that person gets a receipt at once.

    Raises `NotStaff`, `OneselfOnly`, `AlreadyGiven`, and `NotFound` alike for
    an unknown number and for a name that is another's.
    """
    if not holds_role(staff, WINDOW, place):
        raise NotStaff
    if reason not in REASONS:
        raise CannotBeGiven(errors={"reason": [f"one of {', '.join(REASONS)}"]})
    person = _person(name, resident_id)
    if person.id == staff:
        raise OneselfOnly
    _close_expired(staff)
    try:
        with session().begin_nested():
            begun = add(
                Assistance(
                    staff_id=staff, person_id=person.id, role=WINDOW, place=place, reason=reason,
                    expires_at=now() + LASTS,
                )
            )  # fmt: skip
    except IntegrityError:
        raise AlreadyGiven from None
    audit.record(
        "identity.assistance-begun", subject=person.id, object=begun.id, details={"reason": reason, "place": place}
    )
    words = REASONS[reason]
    notices.send(
        party=person.id, kind="identity.assistance-begun", reference=begun.id,
        arguments={"reason_zh": words.zh, "reason_en": words.en}, link="/#looks",
    )  # fmt: skip
    return begun


def running(assistance_id: str, *, staff: str) -> Assistance:
    """Return an assistance that this staff gives now; raises `NotFound`."""
    found = session().get(Assistance, assistance_id)
    if found is None or acting.still_holds(actor=staff, party=found.person_id, evidence=assistance_id) is None:
        raise NotFound
    return found


def finish(assistance_id: str, *, by: str) -> None:
    """End an assistance, by the staff or by the person; raises `NotFound` for others and for one that is over."""
    ended = session().scalars(
        update(Assistance)
        .where(
            Assistance.id == assistance_id,
            (Assistance.staff_id == by) | (Assistance.person_id == by),
            Assistance.ended_at.is_(None),
        )
        .values(ended_at=now())
        .returning(Assistance.person_id)
    )
    person = ended.first()
    if person is None:
        raise NotFound
    ending.end_acts(assistance_id)
    audit.record("identity.assistance-ended", subject=person, object=assistance_id)


def _person(name: str, resident_id: str) -> Person:
    index = people.number_index(people.resident(resident_id).reveal())
    found = session().scalars(select(Person).where(Person.resident_id_index == index, Person.state == "active")).first()
    if found is None or people.name_of(found) != name:
        raise NotFound
    return found


def _close_expired(staff: str) -> None:
    session().execute(
        update(Assistance)
        .where(Assistance.staff_id == staff, Assistance.ended_at.is_(None), Assistance.expires_at <= now())
        .values(ended_at=Assistance.expires_at)
    )
