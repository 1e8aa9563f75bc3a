"""Whether the insurance pays for the person before the terminal."""

from __future__ import annotations

from app.api import DomainError, Principal, add, open_sealed, record, seal, session, unit_of_work
from plugins.health import proofs
from plugins.health.connection import insurer
from plugins.health.errors import NotEnrolled, refusal
from plugins.health.insurer import Entitlement
from plugins.health.models import Voucher
from plugins.health.service.desks import enquire


def ask(*, who: Principal, proof: str, action: str = "health.eligibility-read") -> tuple[Entitlement, str]:
    """Return the entitlement and the subject of a proof; leaves an audit line about the subject.

    Raises `NotPayable` with the reason when the insurance does not pay.
    """
    subject = proofs.subject_of(proof, who=who)
    try:
        found = _enquired(who, _token(subject))
    except DomainError as error:
        # The refused request is undone; that somebody looked must stay on record.
        with unit_of_work():
            record(action, subject=subject, object=proof, purpose=proofs.PURPOSE, outcome=error.slug())
        raise
    record(action, subject=subject, object=proof, purpose=proofs.PURPOSE)
    return found, subject


def keep_voucher(subject: str, token: str) -> None:
    """Keep the e-voucher token of a subject, sealed, in place of an earlier one."""
    sealed = seal(token.encode(), purpose="health-voucher", place=_place(subject))
    held = session().get(Voucher, subject)
    if held is None:
        add(Voucher(subject=subject, token_sealed=sealed))
    else:
        held.token_sealed = sealed


def _enquired(who: Principal, token: str) -> Entitlement:
    found = enquire(who, "1101", lambda desk, message: insurer().entitlement(desk, voucher=token, message=message))
    if found.standing != "active":
        raise refusal(found.standing)
    return found


def _token(subject: str) -> str:
    held = session().get(Voucher, subject)
    if held is None:
        raise NotEnrolled(reason="not_enrolled")
    return open_sealed(held.token_sealed, purpose="health-voucher", place=_place(subject)).decode()


def _place(subject: str) -> str:
    return f"voucher/{subject}/token"
