"""Challenges: bound to one browser and one use; the first answer to one uses it up, in SQL.

Asking for one writes nothing: it carries its own end and a keyed hash, and is
remembered only when it is answered (WebAuthn L3, 13.4.3).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from datetime import UTC, datetime

from app import crypto
from app.db import driver, unit_of_work
from app.errors import DomainError
from app.text import Text
from identity.authenticators.guesses import WINDOW, Limit, TooManyGuesses, counted

SECONDS = 300
_RANDOM, _UNTIL, _MAC = 16, 6, 32
NAMESPACE = "passkey"
_USE = "insert into identity.replay_key (namespace, value, expires_at) values (%s, %s, %s) on conflict do nothing"


class ChallengeUnfit(DomainError):
    status = 409
    title = Text("此次验证已失效", "This attempt has expired or was used")
    next_step = Text("请刷新页面后重试", "Reload the page and try again")


def fresh(use: str, *, browser: bytes) -> bytes:
    """Return a new challenge for one use (`log-in`, or an account's registration) in one browser."""
    start = secrets.token_bytes(_RANDOM) + (int(time.time()) + SECONDS).to_bytes(_UNTIL, "big")
    return start + _mac(start, use, browser)


def spend(challenge: bytes, use: str, *, browser: bytes, guesses: tuple[Limit, ...] = ()) -> None:
    """Use a challenge up, for good, before its answer is looked at, and count what is a guess in the same breath.

    Raises `ChallengeUnfit`, `TooManyGuesses`.
    """
    until = _until(challenge, use, browser)
    with unit_of_work():
        allowed = not guesses or counted(*guesses)
        unused = until is not None and _first_use(challenge, until)
    if not allowed:
        raise TooManyGuesses(headers={"Retry-After": str(int(WINDOW.total_seconds()))})
    if not unused:
        raise ChallengeUnfit


def _until(challenge: bytes, use: str, browser: bytes) -> int | None:
    start, mac = challenge[: _RANDOM + _UNTIL], challenge[_RANDOM + _UNTIL :]
    if len(challenge) != _RANDOM + _UNTIL + _MAC or not hmac.compare_digest(mac, _mac(start, use, browser)):
        return None
    until = int.from_bytes(start[_RANDOM:], "big")
    return until if until >= time.time() else None


def _first_use(challenge: bytes, until: int) -> bool:
    values = (NAMESPACE, hashlib.sha256(challenge).digest(), datetime.fromtimestamp(until, UTC))
    return driver().execute(_USE, values, prepare=True).rowcount == 1


def _mac(start: bytes, use: str, browser: bytes) -> bytes:
    return hmac.new(crypto.derive("passkey-challenge"), start + browser + use.encode(), hashlib.sha256).digest()
