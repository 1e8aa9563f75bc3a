"""The second factor: when it is asked for, what can be it, and the log-in that waits for it meanwhile."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from app.db import add, now, session, unit_of_work
from app.errors import DomainError
from app.text import Text
from identity.accounts.models import Account
from identity.authenticators import password, totp
from identity.authenticators.levels import reached
from identity.authenticators.models import Authenticator, PendingLogIn
from identity.authenticators.sms import codes
from identity.authenticators.sms.operator import offered

LIFETIME = timedelta(minutes=10)


class LogInExpired(DomainError):
    status = 409
    title = Text("登录已超时", "This log-in took too long")
    next_step = Text("请重新登录", "Log in again from the start")


@dataclass(frozen=True, slots=True)
class Step:
    """What the page asks for next: the ways there are, and the secret that stands for what is proven so far."""

    secret: str
    account: Account
    methods: tuple[str, ...]
    ways: tuple[str, ...]


def after(account: Account, method: str, *, level: int, browser: bytes) -> Step | None:
    """Return the step that must follow a first factor, or None when it is enough for this account and level."""
    kinds = set(session().scalars(select(Authenticator.kind).where(Authenticator.account_id == account.id)))
    # Who set an app up wants it asked for, whichever factor comes first.
    if level <= reached([method]) and totp.KIND not in kinds:
        return None
    secret = secrets.token_urlsafe(32)
    add(
        PendingLogIn(
            secret_hash=_hash(secret), account_id=account.id, browser_hash=browser, methods=[method],
            expires_at=now() + LIFETIME,
        )
    )  # fmt: skip
    return Step(secret, account, (method,), _ways(method, kinds))


def resumed(secret: str, *, browser: bytes) -> Step:
    """Return a log-in that waits, in the browser that began it; raises `LogInExpired`."""
    held = session().get(PendingLogIn, _hash(secret))
    usable = held is not None and held.browser_hash == browser and held.consumed_at is None
    if held is None or not usable or held.expires_at <= now():
        raise LogInExpired
    account = session().get(Account, held.account_id)
    if account is None or account.state != "active":
        raise LogInExpired
    kinds = set(session().scalars(select(Authenticator.kind).where(Authenticator.account_id == account.id)))
    return Step(secret, account, tuple(held.methods), _ways(held.methods[0], kinds))


def prove(step: Step, way: str, code: str, *, code_id: str, browser: bytes, source: str) -> tuple[str, ...]:
    """Check a second factor and use the waiting log-in up; returns all methods shown.

    Raises what the factor raises (`WrongCode`, `WrongCredentials`,
    `TooManyGuesses`), and `LogInExpired` for all but one of parallel proofs.
    """
    if way not in step.ways:
        raise totp.WrongCode
    if way == "totp":
        held = totp.of(step.account.id)
        if held is None:
            raise totp.WrongCode
        totp.prove(held, code, source=source)
    elif way == "sms":
        if codes.prove(code_id, code, browser=browser, source=source).id != step.account.id:
            raise totp.WrongCode
    else:
        password.prove_again(step.account, code, source=source)
    if not use(step.secret):
        raise LogInExpired
    return (*step.methods, way)


def use(secret: str) -> bool:
    """Use a waiting log-in up, for good; tells whether it was there."""
    with unit_of_work():
        used = session().execute(
            update(PendingLogIn)
            .where(
                PendingLogIn.secret_hash == _hash(secret),
                PendingLogIn.consumed_at.is_(None),
                PendingLogIn.expires_at > now(),
            )
            .values(consumed_at=now())
            .returning(PendingLogIn.secret_hash)
        )
        return used.first() is not None


def _ways(first: str, kinds: set[str]) -> tuple[str, ...]:
    if first != "password":
        return ("password",) if "password" in kinds else ()
    return ("totp",) if "totp" in kinds else ("sms",) if offered() else ()


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
