"""Refresh tokens, derived and not stored: a keyed hash over the grant, its client and the generation."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from app import crypto

_FORM = re.compile(r"(grant_[0-9a-z]{10,34})\.([0-9]{1,9})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token that we made says."""

    grant_id: str
    generation: int


def made(grant_id: str, client_id: str, generation: int) -> str:
    """Return the refresh token of one generation: the same each time, so that a lost answer can be given again."""
    return f"{grant_id}.{generation}.{_mac(grant_id, client_id, generation)}"


def opened(token: str, client_id: str) -> RefreshToken | None:
    """Return what a refresh token of this client says, or None for any text that we did not make for it."""
    found = _FORM.fullmatch(token)
    if found is None or (found[2] != "0" and found[2].startswith("0")):
        return None
    grant_id, generation = found[1], int(found[2])
    if not hmac.compare_digest(_mac(grant_id, client_id, generation), found[3]):
        return None
    return RefreshToken(grant_id, generation)


def _mac(grant_id: str, client_id: str, generation: int) -> str:
    said = f"{grant_id}\0{client_id}\0{generation}".encode()
    digest = hmac.new(crypto.derive("refresh-token"), said, hashlib.sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
