"""What an ID token of ours says when a client brings it back as a hint."""

from __future__ import annotations

from typing import Any

from identity.oidc import jose
from identity.oidc.settings import issuer
from identity.oidc.tokens import ID_TYPE
from identity.oidc.verify import own_key

_TEXTS = ("iss", "aud", "sub")


def hinted(id_token: str) -> dict[str, Any] | None:
    """Return the claims of a true ID token of ours, also of an expired one, or None.

    A hint may be old: Core, 3.1.2.1 and RP-Initiated Logout, 4 accept what has expired.
    """
    try:
        claims = jose.verify(id_token, typ=frozenset({ID_TYPE}), find_key=own_key)
    except jose.BadToken:
        return None
    if not all(isinstance(claims.get(name), str) for name in _TEXTS) or claims["iss"] != issuer():
        return None
    # An access token has another type; a log-out token has events and must not serve as a hint.
    return None if "events" in claims else claims
