"""A log-in under way, sealed into a cookie of the very browser that began it, and good for one answer."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from flask import Request
from werkzeug.wrappers import Response

from app import crypto
from identity.federation.errors import AnswerNotTrusted
from identity.oidc import replay
from identity.oidc.settings import issuer

SECONDS = 600
_PURPOSE = "provider-attempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What the answer must fit, and where the person wanted to go."""

    provider: str
    issuer: str
    state: str
    nonce: str
    verifier: str
    return_to: str
    expires_at: float


def remember(answer: Response, attempt: Attempt) -> None:
    """Give the browser its attempt; a state kept anywhere else would serve whoever knows it."""
    sealed = crypto.seal(json.dumps(asdict(attempt)).encode(), purpose=_PURPOSE, place=_place(attempt.provider))
    answer.set_cookie(
        _name(), urlsafe_b64encode(sealed).decode(), max_age=SECONDS, secure=_secure(), httponly=True, samesite="Lax"
    )


def forget(answer: Response) -> None:
    """Take the attempt away."""
    answer.delete_cookie(_name(), secure=_secure(), httponly=True, samesite="Lax")


def take(incoming: Request, provider: str, state: str) -> Attempt:
    """Return this browser's attempt at a provider, once; raises `AnswerNotTrusted`."""
    attempt = _opened(incoming.cookies.get(_name(), ""), provider)
    if not hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace")):
        raise AnswerNotTrusted
    if attempt.expires_at <= time.time():
        raise AnswerNotTrusted
    until = datetime.fromtimestamp(attempt.expires_at, UTC)
    if not replay.first_sight("provider", provider, attempt.state, until=until):
        raise AnswerNotTrusted
    return attempt


def _opened(cookie: str, provider: str) -> Attempt:
    try:
        raw = crypto.open_sealed(urlsafe_b64decode(cookie), purpose=_PURPOSE, place=_place(provider))
    except (crypto.CannotOpen, ValueError):
        raise AnswerNotTrusted from None
    return Attempt(**json.loads(raw))


def _place(provider: str) -> str:
    return f"cookie/{provider}/attempt"


def _name() -> str:
    return "__Host-suxin-provider" if _secure() else "suxin-provider"


def _secure() -> bool:
    return issuer().startswith("https://")
