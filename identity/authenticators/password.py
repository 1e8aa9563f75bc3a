"""Passwords: argon2id, an offline list of weak ones, and a limit on guesses."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import and_, select

from app import audit
from app.db import add, now, session, unit_of_work
from app.errors import DomainError
from app.text import Text
from identity.accounts.models import Account
from identity.authenticators import guesses, telling
from identity.authenticators.models import Authenticator
from identity.parties.models import Person

KIND = "password"
SHORTEST, LONGEST = 8, 128
# OWASP's first choice: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class WeakPassword(DomainError):
    status = 422
    title = Text("密码太弱", "The password is too weak")
    next_step = Text("请换一个至少 8 位、不常见的密码", "Choose an uncommon one of at least 8 signs")


class WrongCredentials(DomainError):
    """One answer for an unknown name, a wrong password and a stopped account."""

    status = 401
    title = Text("登录名或密码不正确", "The log-in name or password is not right")
    next_step = Text("请检查后重试", "Check both and try again")


def set_password(account: Account, password: str) -> None:
    """Set an account's password; raises `WeakPassword`."""
    check_strength(password, login_name=account.login_name)
    set_hash(account, hashed(password))


def set_hash(account: Account, secret: str) -> None:
    """Keep the argon2id hash of an account's password in place of the one before."""
    held = _authenticator(account.id)
    if held is None:
        add(Authenticator(account_id=account.id, kind=KIND, secret=secret))
    else:
        held.secret, held.changed_at = secret, now()
    audit.record("identity.password-set", subject=account.person_id)


def hasher() -> PasswordHasher:
    """Return what hashes passwords, with its cost."""
    return _HASHER


def hashed(password: str) -> str:
    """Return the argon2id hash of a password."""
    return _HASHER.hash(password)


def check_strength(password: str, *, login_name: str) -> None:
    """Raise `WeakPassword` for a short, common, monotonous or self-naming password."""
    plain = password.casefold()
    if not SHORTEST <= len(password) <= LONGEST or len(set(plain)) < 4:
        raise WeakPassword
    bare = {plain, plain.rstrip("!.?#"), plain.rstrip("0123456789!.?#")}
    if bare & _weak() or login_name.casefold() in plain:
        raise WeakPassword


def log_in(login_name: str, password: str, *, source: str) -> Account:
    """Return the account a name and password open.

    Raises `WrongCredentials`, or `guesses.TooManyGuesses` once this name or
    many names were tried from this source. Every attempt is counted before
    the password is looked at, so parallel guesses gain nothing.
    """
    name = login_name.strip().lower()
    guesses.admit(name, source)
    account, held = _opened_by(name)
    fits = _fits(held or _decoy(), password)
    if account is None or held is None or not fits:
        _record_refusal(account)
        raise WrongCredentials
    guesses.forgive(name, source)
    return account


def change(account: Account, password: str, *, why: str = "changed") -> None:
    """Set a new password and tell the person; raises `WeakPassword`."""
    set_password(account, password)
    telling.about(account.person_id, "password-set", why=why)


def prove_again(account: Account, password: str, *, source: str) -> None:
    """Let the password of a known account pass as a second factor; raises `WrongCredentials`, `TooManyGuesses`."""
    held = _authenticator(account.id)
    target = held.id if held is not None else f"none/{account.id}"
    guesses.admit_second(target, source)
    if not _fits(held.secret if held is not None and held.secret else _decoy(), password) or held is None:
        _record_refusal(account)
        raise WrongCredentials
    guesses.forgive_second(target, source)


def _opened_by(name: str) -> tuple[Account | None, str | None]:
    found = (
        session()
        .execute(
            select(Account, Authenticator.secret)
            .join(Person, Person.id == Account.person_id)
            .outerjoin(Authenticator, and_(Authenticator.account_id == Account.id, Authenticator.kind == KIND))
            .where(Account.login_name == name, Account.state == "active", Person.state == "active")
        )
        .first()
    )
    return (None, None) if found is None else (found[0], found[1])


def _record_refusal(account: Account | None) -> None:
    if account is not None:
        with unit_of_work():
            audit.record("identity.log-in-refused", subject=account.person_id, outcome="refused")


def _authenticator(account_id: str) -> Authenticator | None:
    return (
        session()
        .scalars(select(Authenticator).where(Authenticator.account_id == account_id, Authenticator.kind == KIND))
        .first()
    )


def _fits(secret: str, password: str) -> bool:
    try:
        return len(password) <= LONGEST and _HASHER.verify(secret, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    # An unknown name must take as long as a wrong password.
    return _HASHER.hash("nobody's password")


@cache
def _weak() -> frozenset[str]:
    with (Path(__file__).parent / "weak_passwords.tsv").open(encoding="utf-8") as lines:
        return frozenset(word for row in csv.reader(lines, delimiter="\t") for word in row)
