"""Codes by text message: six digits, five minutes, five tries, used once; sealed until sent, hashed ever after."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta

from sqlalchemy import select, update

from app import audit, crypto
from app.db import add, now, session, unit_of_work
from app.ids import new_id
from app.outbox import enqueue
from identity.accounts.models import Account
from identity.authenticators import guesses
from identity.authenticators.guesses import EVERYWHERE, Limit
from identity.authenticators.models import SentCode
from identity.authenticators.sms.operator import NotSent, chosen
from identity.authenticators.totp import WrongCode
from identity.parties.models import Person
from identity.parties.service import mobile_of

LIFETIME = timedelta(minutes=5)
DIGITS, TRIES = 6, 5
# A message the operator failed to take counts for its number as well.
PER_NAME, PER_MOBILE, SENT_PER_SOURCE = 3, 8, 20
JOB = "identity.send_code"
_PURPOSE = "sent-code"


def ask_by_name(login_name: str, *, browser: bytes, source: str) -> str:
    """Send a code to the mobile of a log-in name and return the code's id; an unknown name gets one too.

    Raises `TooManyGuesses` by name and source, known or not, so that nothing
    tells the two apart: neither words nor time.
    """
    name = login_name.strip().lower()
    place = guesses.network(source)
    guesses.count(Limit(f"sms/{name}", place, PER_NAME), Limit("sms", place, SENT_PER_SOURCE))
    account = session().scalars(
        select(Account)
        .join(Person, Person.id == Account.person_id)
        .where(Account.login_name == name, Account.state == "active", Person.state == "active")
    ).first()  # fmt: skip
    return _new(account, browser)


def ask(account: Account, *, browser: bytes, source: str) -> str:
    """Send a code to an account's own mobile and return the code's id; raises `TooManyGuesses`."""
    place = guesses.network(source)
    guesses.count(Limit(f"sms/{account.login_name}", place, PER_NAME), Limit("sms", place, SENT_PER_SOURCE))
    return _new(account, browser)


def prove(code_id: str, code: str, *, browser: bytes, source: str) -> Account:
    """Use a sent code, once, in the browser that asked for it; raises `WrongCode`, `TooManyGuesses`.

    A try is counted before it is compared, and the code dies with its last.
    """
    guesses.count(Limit("sms-code", guesses.network(source), guesses.PER_SOURCE))
    held = _try(code_id, browser)
    if held is None or not hmac.compare_digest(held.code_hash, _hash(code_id, "".join(code.split()))):
        raise WrongCode
    if held.account_id is None or not _use(code_id):
        raise WrongCode
    account = session().get(Account, held.account_id)
    if account is None or account.state != "active":
        raise WrongCode
    return account


def send(code: str) -> None:
    """Hand a code's message to the operator (the job); raises `NotSent`, so that it is tried again."""
    held = session().get(SentCode, code)
    if held is None or held.message_sealed is None or held.account_id is None or held.expires_at <= now():
        return
    account = session().get(Account, held.account_id)
    mobile = mobile_of(account.person_id) if account is not None else None
    if account is None or mobile is None or not _allowed(mobile):
        held.message_sealed = None
        return
    through = chosen()
    if through is None:
        raise NotSent("no operator")
    through.send(mobile, crypto.open_sealed(held.message_sealed, purpose=_PURPOSE, place=_place(code)).decode())
    held.message_sealed = None
    audit.record("identity.code-sent", subject=account.person_id, object=code)


def _allowed(mobile: str) -> bool:
    # Beyond it a number is left in peace, in silence: whoever asks learns nothing, and its owner is not pestered.
    return guesses.within(Limit(f"mobile/{mobile}", EVERYWHERE, PER_MOBILE))


def _new(account: Account | None, browser: bytes) -> str:
    code_id, code = new_id("code"), str(secrets.randbelow(10**DIGITS)).zfill(DIGITS)
    text = f"【宿心办】验证码 {code}，5 分钟内有效，请勿告诉任何人。Suxin code {code}."
    add(
        SentCode(
            id=code_id, account_id=account.id if account else None, browser_hash=browser,
            code_hash=_hash(code_id, code), expires_at=now() + LIFETIME,
            message_sealed=crypto.seal(text.encode(), purpose=_PURPOSE, place=_place(code_id)),
        )
    )  # fmt: skip
    enqueue(JOB, code=code_id)
    return code_id


def _try(code_id: str, browser: bytes) -> SentCode | None:
    with unit_of_work():
        return session().scalars(
            update(SentCode)
            .where(
                SentCode.id == code_id, SentCode.browser_hash == browser, SentCode.tries < TRIES,
                SentCode.consumed_at.is_(None), SentCode.expires_at > now(),
            )
            .values(tries=SentCode.tries + 1)
            .returning(SentCode)
        ).first()  # fmt: skip


def _use(code_id: str) -> bool:
    with unit_of_work():
        used = session().execute(
            update(SentCode)
            .where(SentCode.id == code_id, SentCode.consumed_at.is_(None))
            .values(consumed_at=now())
            .returning(SentCode.id)
        )
        return used.first() is not None


def _hash(code_id: str, code: str) -> bytes:
    return crypto.blind_index(f"{code_id}/{code}", purpose=_PURPOSE)


def _place(code_id: str) -> str:
    return f"sent_code/{code_id}/message"
