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
from app.errors import DomainError
from app.text import Text
from identity.oidc import replay

SECONDS = 300
_RANDOM, _UNTIL, _MAC = 16, 6, 32
NAMESPACE = "passkey"


class ChallengeUnfit(DomainError):
    status = 409
    title = Text("此次验证已失效", "This attempt has expired or was used")
    next_step = Text("请刷新页面后重试", "Reload the page and try again")


def fresh(use: str, *, browser: bytes) -> bytes:
    """Return a new challenge for one use (`log-in`, or an account's registration) in one browser."""
    start = secrets.token_bytes(_RANDOM) + (int(time.time()) + SECONDS).to_bytes(_UNTIL, "big")
    return start + _mac(start, use, browser)


def spend(challenge: bytes, use: str, *, browser: bytes) -> None:
    """Use a challenge up, for good, before its answer is looked at; raises `ChallengeUnfit`."""
    start, mac = challenge[: _RANDOM + _UNTIL], challenge[_RANDOM + _UNTIL :]
    if len(challenge) != _RANDOM + _UNTIL + _MAC or not hmac.compare_digest(mac, _mac(start, use, browser)):
        raise ChallengeUnfit
    until = int.from_bytes(start[_RANDOM:], "big")
    if until < time.time():
        raise ChallengeUnfit
    if not replay.first_sight(NAMESPACE, challenge.hex(), until=datetime.fromtimestamp(until, UTC)):
        raise ChallengeUnfit


def _mac(start: bytes, use: str, browser: bytes) -> bytes:
    return hmac.new(crypto.derive("passkey-challenge"), start + browser + use.encode(), hashlib.sha256).digest()
