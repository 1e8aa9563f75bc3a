"""The two-person rule: one proposes, another approves in another session, it is done once.

Other parts register their dangerous acts on the port `dangerous_acts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError
from sqlalchemy import select, update

from app import audit, paging
from app.db import add, now, session, unit_of_work
from app.errors import DomainError, NotFound
from app.ports import Port
from app.principal import Kind, principal
from app.text import Text
from identity.staff import desks
from identity.staff.errors import ApprovalOver, BadArguments, SecondPersonNeeded, UnknownAct
from identity.staff.models import Approval

LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One kind of dangerous act.

    `check` raises unless the caller may propose, approve or do it with these
    arguments; `run` does it in the caller's unit of work and returns JSON.
    """

    title: Text
    arguments: type[Schema]
    check: Callable[[Mapping[str, Any]], None]
    run: Callable[[Mapping[str, Any]], Any]


dangerous_acts: Port[Act] = Port("identity.dangerous_acts")


def propose(*, act: str, arguments: Mapping[str, Any], reason: str) -> Approval:
    """Propose an act; raises `UnknownAct`, `BadArguments`, or what the act's own check raises."""
    kind = _kind(act)
    plain = _checked(kind, arguments)
    who = principal()
    proposed = add(
        Approval(
            act=act,
            arguments=plain,
            reason=reason,
            proposed_by=who.actor,
            proposed_session=who.session,
            expires_at=now() + LIFETIME,
        )
    )
    audit.record("identity.act-proposed", object=proposed.id, details={"act": act})
    return proposed


def approve(approval_id: str) -> Approval:
    """Approve another's proposal, exactly once and within its time.

    Raises `NotFound`, `SecondPersonNeeded` for whoever proposed it or sits in
    the same session, `ApprovalOver`.
    """
    held = _held(approval_id)
    who = principal()
    if who.kind is not Kind.OFFICIAL or who.actor == held.proposed_by:
        raise SecondPersonNeeded
    if who.session is None or who.session == held.proposed_session:
        raise SecondPersonNeeded
    decided = _decide(held, "approved")
    audit.record("identity.act-approved", object=decided.id, details={"act": decided.act})
    return decided


def refuse(approval_id: str) -> Approval:
    """Refuse a proposal, or take back one's own; raises `NotFound`, `ApprovalOver`."""
    decided = _decide(_held(approval_id), "refused")
    audit.record("identity.act-refused", object=decided.id, details={"act": decided.act})
    return decided


def execute_once(approval_id: str) -> Any:
    """Do an approved act, once; whoever proposed it does it, and is checked again.

    The mark and the act are one transaction: an act that fails may be tried
    again within its time. Raises `NotFound`, `ApprovalOver`.
    """
    held = _held(approval_id)
    if principal().actor != held.proposed_by:
        raise NotFound
    done = session().execute(
        update(Approval)
        .where(Approval.id == held.id, Approval.state == "approved", Approval.expires_at > now())
        .values(state="executed", executed_at=now())
        .returning(Approval.id)
    )
    if done.first() is None:
        raise ApprovalOver
    audit.record("identity.act-executed", object=held.id, details={"act": held.act})
    return _kind(held.act).run(held.arguments)


def find(approval_id: str) -> Approval:
    """Return a proposal within the caller's reach; raises `NotFound`."""
    return _held(approval_id)


def proposals(*, cursor: str | None, limit: int) -> paging.Page[Approval]:
    """Return one page of proposals: an administrator sees what they may decide, others their own.

    A page may hold fewer than asked for: what lies beyond one's reach is left out of it.
    """
    who = principal()
    administrator = who.kind is Kind.SYSTEM or any(role == desks.ADMINISTRATOR for _, role, _ in who.desks)
    query = select(Approval)
    if not administrator:
        query = query.where(Approval.proposed_by == who.actor)
    found = paging.page(query, key=(Approval.created_at, Approval.id), cursor=cursor, limit=limit)
    return paging.Page([each for each in found.items if _within_reach(each)], found.next_cursor)


def known_acts() -> dict[str, Act]:
    """Return every kind of act by its word."""
    return dangerous_acts.all()


def _kind(act: str) -> Act:
    found = dangerous_acts.get(act)
    if found is None:
        raise UnknownAct(known_acts=sorted(known_acts()))
    return found


def _checked(kind: Act, arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        loaded = kind.arguments().load(arguments)
    except ValidationError as error:
        raise BadArguments(errors={"json": {"arguments": error.messages}}) from None
    kind.check(loaded)
    plain: dict[str, Any] = kind.arguments().dump(loaded)
    return plain


def _held(approval_id: str) -> Approval:
    found = session().get(Approval, approval_id, populate_existing=True)
    if found is None:
        raise NotFound
    kind = _kind(found.act)
    kind.check(kind.arguments().load(found.arguments))
    return found


def _within_reach(proposed: Approval) -> bool:
    try:
        kind = _kind(proposed.act)
        kind.check(kind.arguments().load(proposed.arguments))
    except DomainError:
        return False
    return True


def _decide(held: Approval, state: str) -> Approval:
    who = principal()
    # Committed at once: of all who decide at this moment one is heard.
    with unit_of_work():
        decided = (
            session()
            .scalars(
                update(Approval)
                .where(Approval.id == held.id, Approval.state == "proposed", Approval.expires_at > now())
                .values(state=state, decided_by=who.actor, decided_session=who.session, decided_at=now())
                .returning(Approval)
            )
            .first()
        )
    if decided is None:
        raise ApprovalOver
    return decided
