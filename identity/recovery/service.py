"""Recovery (800-63B-4, 4.2): by another way in of equal strength, by presence at a terminal, or at a window.

Another way in needs nothing of its own: whoever logs in at the account's
level may set a new password. This is the way for those who have none left.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from app import audit
from app.db import now, session
from identity.accounts.models import Account
from identity.authenticators import password, ways
from identity.authenticators.levels import strength
from identity.authenticators.models import Authenticator
from identity.authenticators.ways import StepUpNeeded
from identity.oidc.revocation import revoke_grants_of
from identity.sessions import service as sessions
from identity.sessions import tickets
from identity.sessions.service import Live

# How long after a log-in the ways in may be changed without another one.
FRESH = timedelta(minutes=10)


def by_ticket(code: str, new_password: str, *, lost_devices: bool, source: str) -> None:
    """Set a new password by a ticket; every session and token of the account ends.

    Raises `WrongTicket`, `TooManyGuesses`, and `WeakPassword` before the ticket is used.
    `lost_devices` takes away passkeys and code apps, which may be in wrong hands.
    """
    ticket = tickets.look("recovery", code, source=source)
    account = session().get_one(Account, ticket.account_id)
    password.check_strength(new_password, login_name=account.login_name)
    tickets.use(ticket, source=source)
    if lost_devices:
        session().execute(
            delete(Authenticator).where(Authenticator.account_id == account.id, Authenticator.kind != password.KIND)
        )
    _renew(account, new_password, why="recovery")
    audit.record("identity.recovered", subject=account.person_id, object=ticket.id)


def by_log_in(live: Live, new_password: str) -> None:
    """Set a new password in a session as strong as the account; other sessions and all tokens end.

    Raises `StepUpNeeded` and `WeakPassword`.
    """
    check_fresh(live)
    account = session().get_one(Account, live.account_id)
    _renew(account, new_password, why="changed", keep=live.id)


def check_fresh(live: Live) -> None:
    """Raise `StepUpNeeded` unless the owner logged in just now, as strongly as the account allows."""
    ways.check_level(live.account_id, live.authentication_level)
    if live.assisted_by is not None or now() - live.authenticated_at > FRESH:
        raise StepUpNeeded(authentication_level=strength(live.account_id))


def _renew(account: Account, new_password: str, *, why: str, keep: str | None = None) -> None:
    password.change(account, new_password, why=why)
    sessions.end_all(account.person_id, but=keep)
    revoke_grants_of(person_id=account.person_id)
