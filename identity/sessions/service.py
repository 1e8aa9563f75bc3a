"""Begin, find and end browser sessions."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select, update

from app import audit, crypto
from app.db import add, now, session, unit_of_work
from app.guards import Kind, Principal, acting_as
from identity.accounts.models import Account
from identity.oidc.revocation import revoke_grants_of
from identity.oidc.settings import SESSION_SECONDS
from identity.parties.models import Person
from identity.sessions import ended
from identity.sessions.models import BrowserSession
from identity.sessions.where import Where

LIFETIME, IDLE = timedelta(seconds=SESSION_SECONDS), timedelta(hours=1)
# On a device that others use, and at a window, a forgotten session must die before the next person comes.
SHARED_LIFETIME, SHARED_IDLE = timedelta(minutes=30), timedelta(minutes=5)
_TOUCHED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A signed-in browser, with the levels it was signed in at.

    `assisted_by` is the official who opened it at a window: tokens given out
    through it say so by `act` (RFC 8693, 4.1).
    """

    id: str
    account_id: str
    person_id: str
    login_name: str
    proofing_level: int
    authentication_level: int
    methods: list[str]
    authenticated_at: datetime
    last_seen_at: datetime
    shared: bool
    assisted_by: str | None
    acting_for: str | None
    acting_evidence: str | None
    staff_of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a finished log-in has shown: by which methods, at which level, where, and with whose help."""

    authentication_level: int
    methods: tuple[str, ...] = ()
    where: Where = field(default_factory=Where)
    shared: bool = False
    assisted_by: str | None = None
    assist_reason: str | None = None


def begin(account: Account, *, authentication_level: int, proven: Proven | None = None) -> str:
    """Begin a session and return its cookie's value: always a new one."""
    how = proven or Proven(authentication_level=authentication_level)
    lifetime, idle = _limits(how.shared)
    secret = secrets.token_urlsafe(32)
    begun = add(
        BrowserSession(
            secret_hash=_hash(secret), account_id=account.id, authentication_level=authentication_level,
            methods=list(how.methods), place=how.where.place, agent=how.where.agent, shared=how.shared,
            assisted_by=how.assisted_by, assist_reason=how.assist_reason,
            idle_until=now() + idle, expires_at=now() + lifetime,
        )
    )  # fmt: skip
    _record("identity.logged-in", account.person_id, begun.id, how)
    return secret


def continue_or_begin(account: Account, earlier: str | None, proven: Proven) -> str:
    """Return the cookie's new value after a log-in in a browser that may hold a session already.

    The same account keeps its session under a new secret, at the level just
    proven (step-up); anyone else's session on this device ends first.
    """
    if earlier is not None and proven.assisted_by is None:
        stepped = _step(account, earlier, proven)
        if stepped is not None:
            return stepped
    if earlier is not None:
        end(earlier)
    return begin(account, authentication_level=proven.authentication_level, proven=proven)


def find(secret: str) -> Live | None:
    """Return the live session of a cookie; account and person must be active still.

    Being looked at keeps it alive; that is written once a minute at most.
    """
    found = session().execute(_live().where(BrowserSession.secret_hash == _hash(secret))).first()
    if found is None:
        return None
    live = Live(**found._mapping)
    if now() - live.last_seen_at > _TOUCHED:
        _touch(live)
    return live


def act_for(live: Live, *, party: str, evidence: str | None) -> None:
    """Keep in the session for whom its person acts from now on; the person itself without evidence."""
    session().execute(
        update(BrowserSession).where(BrowserSession.id == live.id).values(acting_for=party, acting_evidence=evidence)
    )


def end(secret: str) -> None:
    """End a session and withdraw the tokens that were given out through it."""
    _end(BrowserSession.secret_hash == _hash(secret))


def end_own(session_id: str, *, person_id: str) -> bool:
    """End one of a person's own sessions from elsewhere; tells whether there was one."""
    return bool(_end(BrowserSession.id == session_id, _of(person_id)))


def end_all(person_id: str, *, but: str | None = None) -> int:
    """End all of a person's sessions, but one if named; returns how many."""
    wanted = [_of(person_id), *([BrowserSession.id != but] if but else [])]
    return len(_end(*wanted))


def of_person(person_id: str) -> list[BrowserSession]:
    """Return a person's live sessions, the one seen last first."""
    return list(
        session().scalars(
            select(BrowserSession).where(_of(person_id), *_alive()).order_by(BrowserSession.last_seen_at.desc())
        )
    )


def form_token(secret: str) -> str:
    """Return the token that ties a form to one browser."""
    return hmac.new(crypto.derive("form-token"), secret.encode(), hashlib.sha256).hexdigest()


def form_token_fits(secret: str, given: str) -> bool:
    """Tell whether a form came from a page we gave to this browser."""
    return hmac.compare_digest(form_token(secret).encode(), given.encode("utf-8", "replace"))


def _live() -> Select[*tuple[Any, ...]]:
    return (
        select(
            BrowserSession.id, BrowserSession.account_id, Account.person_id, Account.login_name,
            Person.proofing_level, BrowserSession.authentication_level, BrowserSession.methods,
            BrowserSession.authenticated_at, BrowserSession.last_seen_at, BrowserSession.shared,
            BrowserSession.assisted_by, BrowserSession.acting_for, BrowserSession.acting_evidence,
            BrowserSession.staff_of,
        )
        .join(Account, Account.id == BrowserSession.account_id)
        .join(Person, Person.id == Account.person_id)
        .where(*_alive(), Account.state == "active", Person.state == "active")
    )  # fmt: skip


def _alive() -> list[ColumnElement[bool]]:
    moment = now()
    return [
        BrowserSession.ended_at.is_(None), BrowserSession.expires_at > moment, BrowserSession.idle_until > moment,
    ]  # fmt: skip


def _of(person_id: str) -> ColumnElement[bool]:
    return BrowserSession.account_id.in_(select(Account.id).where(Account.person_id == person_id))


def _limits(shared: bool) -> tuple[timedelta, timedelta]:
    return (SHARED_LIFETIME, SHARED_IDLE) if shared else (LIFETIME, IDLE)


def _touch(live: Live) -> None:
    # A reading request commits nothing of its own.
    with unit_of_work():
        session().execute(
            update(BrowserSession)
            .where(BrowserSession.id == live.id, BrowserSession.ended_at.is_(None))
            .values(last_seen_at=now(), idle_until=now() + _limits(live.shared)[1])
        )


def _step(account: Account, earlier: str, proven: Proven) -> str | None:
    lifetime, idle = _limits(proven.shared)
    secret = secrets.token_urlsafe(32)
    # Whoever knew the old secret knows nothing from here on; of two parallel log-ins one finds it gone.
    stepped = session().scalar(
        update(BrowserSession)
        .where(
            BrowserSession.secret_hash == _hash(earlier), BrowserSession.account_id == account.id,
            BrowserSession.assisted_by.is_(None), *_alive(),
        )
        .values(
            secret_hash=_hash(secret), authentication_level=proven.authentication_level,
            methods=list(proven.methods), authenticated_at=now(), place=proven.where.place, agent=proven.where.agent,
            shared=proven.shared, last_seen_at=now(), idle_until=now() + idle, expires_at=now() + lifetime,
        )
        .returning(BrowserSession.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if stepped is None:
        return None
    _record("identity.logged-in", account.person_id, stepped, proven)
    return secret


def _record(action: str, person_id: str, session_id: str, how: Proven) -> None:
    who = Principal(
        kind=Kind.OFFICIAL if how.assisted_by else Kind.CITIZEN,
        actor=how.assisted_by or person_id,
        acting_for=person_id if how.assisted_by else None,
    )
    with acting_as(who):
        audit.record(action, subject=person_id, object=session_id, details={"methods": list(how.methods)})


def _end(*which: ColumnElement[bool]) -> list[str]:
    gone = list(
        session().execute(
            update(BrowserSession)
            .where(*which, BrowserSession.ended_at.is_(None), BrowserSession.account_id == Account.id)
            .values(ended_at=now())
            .returning(BrowserSession.id, Account.person_id)
            .execution_options(synchronize_session=False)
        )
    )
    for session_id, person_id in gone:
        revoke_grants_of(session_id=session_id)
        audit.record("identity.logged-out", subject=person_id, object=session_id)
    ended.tell([session_id for session_id, _ in gone])
    return [session_id for session_id, _ in gone]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
