"""Begin, find and end browser sessions."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from app import audit, crypto
from app.db import add, now, session
from app.guards import Kind, Principal, acting_as
from identity.accounts.models import Account
from identity.oidc.revocation import revoke_grants_of
from identity.oidc.settings import SESSION_SECONDS
from identity.parties.models import Person
from identity.sessions.models import BrowserSession

LIFETIME = timedelta(seconds=SESSION_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A signed-in browser, with the levels it was signed in at."""

    id: str
    account_id: str
    person_id: str
    proofing_level: int
    authentication_level: int
    authenticated_at: datetime


def begin(account: Account, *, authentication_level: int) -> str:
    """Begin a session and return its cookie's value: always a new one."""
    secret = secrets.token_urlsafe(32)
    begun = add(
        BrowserSession(
            secret_hash=_hash(secret),
            account_id=account.id,
            authentication_level=authentication_level,
            expires_at=now() + LIFETIME,
        )
    )
    with acting_as(Principal(kind=Kind.CITIZEN, actor=account.person_id)):
        audit.record("identity.logged-in", subject=account.person_id, object=begun.id)
    return secret


def find(secret: str) -> Live | None:
    """Return the live session of a cookie; account and person must be active still."""
    found = (
        session()
        .execute(
            select(
                BrowserSession.id,
                BrowserSession.account_id,
                Account.person_id,
                Person.proofing_level,
                BrowserSession.authentication_level,
                BrowserSession.authenticated_at,
            )
            .join(Account, Account.id == BrowserSession.account_id)
            .join(Person, Person.id == Account.person_id)
            .where(
                BrowserSession.secret_hash == _hash(secret),
                BrowserSession.ended_at.is_(None),
                BrowserSession.expires_at > now(),
                Account.state == "active",
                Person.state == "active",
            )
        )
        .first()
    )
    return None if found is None else Live(**found._mapping)


def end(secret: str) -> None:
    """End a session and withdraw the tokens that were given out through it."""
    ended = (
        session()
        .scalars(
            update(BrowserSession)
            .where(BrowserSession.secret_hash == _hash(secret), BrowserSession.ended_at.is_(None))
            .values(ended_at=now())
            .returning(BrowserSession.id)
        )
        .first()
    )
    if ended is not None:
        revoke_grants_of(session_id=ended)
        audit.record("identity.logged-out", object=ended)


def form_token(secret: str) -> str:
    """Return the token that ties a form to one browser."""
    return hmac.new(crypto.derive("form-token"), secret.encode(), hashlib.sha256).hexdigest()


def form_token_fits(secret: str, given: str) -> bool:
    """Tell whether a form came from a page we gave to this browser."""
    return hmac.compare_digest(form_token(secret).encode(), given.encode("utf-8", "replace"))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
