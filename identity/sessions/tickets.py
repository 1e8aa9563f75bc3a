"""Tickets that a window official or a terminal hands to a person who is present: ten signs, used once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from app import audit, crypto
from app.db import add, now, session, unit_of_work
from app.errors import Conflict, DomainError, NotAllowed, NotFound
from app.identifiers import BadIdentifier
from app.presence import proofs
from app.principal import Kind, Principal
from app.text import Text
from identity.accounts.models import Account
from identity.authenticators import guesses, telling
from identity.authenticators.levels import strength
from identity.parties.service import person_by_number
from identity.sessions.models import Ticket
from identity.sessions.service import Proven
from identity.sessions.where import Where
from identity.staff.principals import may_assist

LIFETIME = timedelta(minutes=10)
# A card is checked by one pair of eyes: the person has a day to object before it opens a strong account.
CARD_WAIT, CARD_LIFETIME = timedelta(hours=24), timedelta(hours=72)
PURPOSES = {"log-in": "identity:assist", "recovery": "identity:recovery"}
_SIGNS, _LENGTH = "23456789ABCDEFGHJKMNPQRSTVWXYZ", 10


class WrongTicket(DomainError):
    """One answer for an unknown, used, early or expired ticket."""

    status = 401
    title = Text("凭证码无效", "This ticket does not work")
    next_step = Text("请检查凭证码，或向窗口重新领取", "Check the ticket or ask the window for a new one")


class NobodySuch(Conflict):
    title = Text("无法为此人办理", "This cannot be done for this person")
    next_step = Text("请核对证件，或先为其开通账号", "Check the card, or open an account first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How a person present was checked: a presence proof of a terminal, or the number read from the card."""

    proof: str | None = None
    terminal: str | None = None
    resident_id: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A ticket as it is handed over; its code is shown this once."""

    id: str
    code: str
    ready_at: datetime
    expires_at: datetime


def digest_of(kind: str, reason: str) -> str:
    """Return what the person confirms at the terminal, so that the proof is good for nothing else."""
    return hashlib.sha256(f"{PURPOSES[kind]}\n{reason}".encode()).hexdigest()


def issue(kind: str, checked: Checked, *, reason: str, who: Principal) -> Issued:
    """Hand out a ticket for the person present and tell that person.

    Raises `NotAllowed` for anyone but a window official (a terminal may open
    recovery by its own proof), `NobodySuch`, and what a presence proof raises.
    """
    by_terminal = who.kind is Kind.TERMINAL and kind == "recovery" and checked.proof is not None
    if not by_terminal and not may_assist(who):
        raise NotAllowed
    evidence = "presence" if checked.proof else "card"
    account = _account(_present(kind, checked, reason, who))
    wait = CARD_WAIT if kind == "recovery" and evidence == "card" and strength(account.id) > 1 else timedelta(0)
    lifetime = CARD_LIFETIME if wait else LIFETIME
    code = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    made = add(
        Ticket(
            code_hash=_hash(code), kind=kind, account_id=account.id, evidence=evidence,
            authentication_level=2 if evidence == "presence" else 1, issued_by=who.actor, reason=reason,
            ready_at=now() + wait, expires_at=now() + lifetime,
        )
    )  # fmt: skip
    audit.record(
        "identity.ticket-issued", subject=account.person_id, object=made.id, details={"kind": kind, "by": evidence}
    )
    _tell(kind, account, reason, made.ready_at)
    return Issued(made.id, code, made.ready_at, made.expires_at)


def look(kind: str, code: str, *, source: str) -> Ticket:
    """Return a usable ticket without using it; raises `WrongTicket`, `TooManyGuesses`."""
    guesses.count(
        guesses.Limit(f"ticket/{kind}", guesses.network(source), guesses.PER_TARGET * 2),
        guesses.Limit("*", guesses.network(source), guesses.PER_SOURCE),
    )
    held = session().scalars(select(Ticket).where(Ticket.code_hash == _hash(code), Ticket.kind == kind)).first()
    usable = held is not None and held.consumed_at is None and held.cancelled_at is None
    if held is None or not usable or not held.ready_at <= now() < held.expires_at:
        raise WrongTicket
    return held


def use(ticket: Ticket, *, source: str) -> Account:
    """Use a ticket up, for good, and return its account; raises `WrongTicket` for all but one of parallel uses."""
    with unit_of_work():
        used = session().execute(
            update(Ticket)
            .where(Ticket.id == ticket.id, Ticket.consumed_at.is_(None), Ticket.cancelled_at.is_(None))
            .values(consumed_at=now())
            .returning(Ticket.id)
        )
        taken = used.first() is not None
    account = session().get(Account, ticket.account_id)
    if not taken or account is None or account.state != "active":
        raise WrongTicket
    guesses.forgive(f"ticket/{ticket.kind}", source)
    return account


def enter(code: str, *, where: Where) -> tuple[Account, Proven]:
    """Return whom a window's screen is logged in as by a ticket, once, and by whose help; raises `WrongTicket`."""
    ticket = look("log-in", code, source=where.source)
    return use(ticket, source=where.source), Proven(
        authentication_level=ticket.authentication_level, methods=(f"window-{ticket.evidence}",), where=where,
        shared=True, assisted_by=ticket.issued_by, assist_reason=ticket.reason,
    )  # fmt: skip


def waiting(account_id: str) -> list[Ticket]:
    """Return the recoveries of an account that can still be cancelled."""
    return list(
        session().scalars(
            select(Ticket).where(
                Ticket.account_id == account_id, Ticket.kind == "recovery", Ticket.consumed_at.is_(None),
                Ticket.cancelled_at.is_(None), Ticket.expires_at > now(),
            )
        )
    )  # fmt: skip


def cancel(ticket_id: str, *, account: Account) -> None:
    """Stop a recovery of one's own account; raises `NotFound`."""
    gone = session().execute(
        update(Ticket)
        .where(Ticket.id == ticket_id, Ticket.account_id == account.id, Ticket.consumed_at.is_(None))
        .values(cancelled_at=now())
        .returning(Ticket.id)
    )
    if gone.first() is None:
        raise NotFound
    audit.record("identity.recovery-cancelled", subject=account.person_id, object=ticket_id)


def _present(kind: str, checked: Checked, reason: str, who: Principal) -> str:
    if checked.proof is not None:
        terminal = who.terminal or who.actor if who.kind is Kind.TERMINAL else checked.terminal or ""
        return proofs.consume(checked.proof, terminal=terminal, purpose=PURPOSES[kind], digest=digest_of(kind, reason))
    try:
        found = person_by_number(checked.resident_id or "")
    except BadIdentifier:
        raise NobodySuch from None
    if found is None:
        raise NobodySuch
    return found


def _account(person_id: str) -> Account:
    found = session().scalars(
        select(Account).where(Account.person_id == person_id, Account.state == "active").order_by(Account.created_at)
    ).first()  # fmt: skip
    if found is None:
        raise NobodySuch
    return found


def _tell(kind: str, account: Account, reason: str, ready_at: datetime) -> None:
    if kind == "log-in":
        telling.about(account.person_id, "assisted-log-in", reason=reason)
    else:
        telling.about(account.person_id, "recovery-opened", ready=f"{ready_at:%Y-%m-%d %H:%M} UTC")


def _hash(code: str) -> bytes:
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return crypto.blind_index(plain, purpose="ticket")
