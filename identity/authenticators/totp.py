"""Codes of an authenticator app (RFC 6238: HMAC-SHA-1, six digits, 30 seconds); each step counts once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from urllib.parse import quote, urlencode

import segno
from sqlalchemy import or_, select, update

from app import audit, crypto
from app.db import add, now, session, unit_of_work
from app.errors import Conflict, DomainError
from app.text import Text
from identity.accounts.models import Account
from identity.authenticators import guesses, telling
from identity.authenticators.models import Authenticator

KIND = "totp"
STEP_SECONDS, DIGITS, SECRET_BYTES = 30, 6, 20
# RFC 6238, 5.2: one step on either side, for clocks that differ and fingers that are slow.
_DRIFT = (0, -1, 1)
_PURPOSE, _OFFER = "totp", "totp-offer"
OFFER_SECONDS = 600


class WrongCode(DomainError):
    status = 401
    title = Text("验证码不正确", "The code is not right")
    next_step = Text("请输入当前显示的验证码", "Type the code that is shown now")


class OfferExpired(DomainError):
    status = 409
    title = Text("此设置页面已过期", "This set-up has expired")
    next_step = Text("请重新开始设置", "Start the set-up again")


class AlreadyThere(Conflict):
    title = Text("已设置验证器", "An authenticator app is set up already")
    next_step = Text("请先移除原有的验证器", "Remove the old one first")


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a time step (RFC 4226, 5.3)."""
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    return str((int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF) % 10**DIGITS).zfill(DIGITS)


def offer(account: Account) -> tuple[bytes, str]:
    """Return a fresh secret and the sealed form in which the page carries it until a first code proves it."""
    secret = secrets.token_bytes(SECRET_BYTES)
    until = int(time.time()) + OFFER_SECONDS
    sealed = crypto.seal(until.to_bytes(8, "big") + secret, purpose=_PURPOSE, place=f"{_OFFER}/{account.id}/secret")
    return secret, base64.urlsafe_b64encode(sealed).decode()


def opened(account: Account, sealed: str) -> bytes:
    """Return the secret of an offer to this account; raises `OfferExpired`."""
    try:
        plain = crypto.open_sealed(
            base64.urlsafe_b64decode(sealed), purpose=_PURPOSE, place=f"{_OFFER}/{account.id}/secret"
        )
    except (crypto.CannotOpen, ValueError):
        raise OfferExpired from None
    if int.from_bytes(plain[:8], "big") < time.time():
        raise OfferExpired
    return plain[8:]


def address(secret: bytes, account: Account) -> str:
    """Return the otpauth address that apps read from a QR code."""
    label = quote(f"Suxin:{account.login_name}")
    return f"otpauth://totp/{label}?" + urlencode({"secret": base64.b32encode(secret).decode(), "issuer": "Suxin"})


def readable(secret: bytes) -> str:
    """Return a secret in groups of four, for people who type it."""
    plain = base64.b32encode(secret).decode()
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def picture(text: str) -> str:
    """Return a QR code as SVG without inline style."""
    drawn = segno.make(text, error="m").svg_inline(
        scale=6, border=4, dark="#000000", light="#ffffff", omitsize=True, svgclass="qr", lineclass=None
    )
    return str(drawn)


def confirm(account: Account, sealed: str, code: str, *, source: str) -> Authenticator:
    """Keep an offered secret once its app shows the right code; raises `WrongCode`, `OfferExpired`, `AlreadyThere`."""
    secret = opened(account, sealed)
    guesses.admit_second(f"offer/{account.id}", source)
    step = _step_of(secret, code)
    if step is None:
        raise WrongCode
    if of(account.id) is not None:
        raise AlreadyThere
    made = add(Authenticator(account_id=account.id, kind=KIND, name="TOTP", sealed=b"-", last_step=step))
    made.sealed = crypto.seal(secret, purpose=_PURPOSE, place=_place(made.id))
    audit.record("identity.authenticator-added", subject=account.person_id, object=made.id, details={"kind": KIND})
    telling.about(account.person_id, "authenticator-added", name="TOTP")
    guesses.forgive_second(f"offer/{account.id}", source)
    return made


def of(account_id: str) -> Authenticator | None:
    """Return an account's authenticator app, or None."""
    return (
        session()
        .scalars(select(Authenticator).where(Authenticator.account_id == account_id, Authenticator.kind == KIND))
        .first()
    )


def prove(held: Authenticator, code: str, *, source: str) -> None:
    """Use a code, once; raises `WrongCode`, also for a step used before, and `TooManyGuesses`."""
    guesses.admit_second(held.id, source)
    secret = crypto.open_sealed(held.sealed or b"", purpose=_PURPOSE, place=_place(held.id))
    step = _step_of(secret, code)
    if step is None or not use_step(held.id, step):
        raise WrongCode
    guesses.forgive_second(held.id, source)


def use_step(authenticator_id: str, step: int) -> bool:
    """Use a time step up, for good; tells whether it was unused (RFC 6238, 5.2)."""
    with unit_of_work():
        taken = session().execute(
            update(Authenticator)
            .where(
                Authenticator.id == authenticator_id,
                or_(Authenticator.last_step.is_(None), Authenticator.last_step < step),
            )
            .values(last_step=step, last_used_at=now())
            .returning(Authenticator.id)
        )
        return taken.first() is not None


def _step_of(secret: bytes, code: str) -> int | None:
    given = "".join(code.split())
    present = int(time.time()) // STEP_SECONDS
    fitting = [
        present + drift
        for drift in _DRIFT
        if hmac.compare_digest(code_at(secret, present + drift).encode(), given.encode("utf-8", "replace"))
    ]
    return fitting[0] if fitting else None


def _place(authenticator_id: str) -> str:
    return f"authenticator/{authenticator_id}/sealed"
