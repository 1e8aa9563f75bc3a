"""What both ceremonies share: who we are to a browser, and how its answer is read."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlsplit

from app.errors import DomainError
from app.text import Text
from identity.oidc.settings import issuer

LONGEST = 20_000


class PasskeyRefused(DomainError):
    """One answer for an unknown passkey, a wrong signature and a stopped account."""

    status = 401
    title = Text("通行密钥未通过验证", "The passkey was not accepted")
    next_step = Text("请重试，或使用其他方式登录", "Try again or log in another way")


def rp_id() -> str:
    """Return our name to authenticators: the host of the base URL."""
    return urlsplit(issuer()).hostname or ""


def read(text: str) -> dict[str, Any]:
    """Return a credential as the browser's `toJSON` wrote it; raises `PasskeyRefused`."""
    try:
        found = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("response"), dict):
        raise PasskeyRefused
    return found


def challenge_in(credential: dict[str, Any]) -> bytes:
    """Return the challenge that a credential says it answers; raises `PasskeyRefused`."""
    try:
        said = json.loads(unpadded(credential["response"]["clientDataJSON"]))
        return unpadded(said["challenge"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise PasskeyRefused from None


def unpadded(text: str) -> bytes:
    """Decode base64url without padding; raises `ValueError` or `TypeError`."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def text_of(value: bytes) -> str:
    """Encode base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
