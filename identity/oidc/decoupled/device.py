"""Device authorization (RFC 8628): a device without a keyboard asks, a person types its code elsewhere."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from flask import request

from app import crypto
from app.errors import NotFound
from app.text import Text
from identity.authenticators import guesses
from identity.oidc import clients, details, forms
from identity.oidc.access import asked_access
from identity.oidc.decoupled.requests import INTERVAL_SECONDS, LIFETIME_SECONDS, opened, pending
from identity.oidc.models import Client, DecoupledRequest
from identity.oidc.permitted import DEVICE, client_for
from identity.oidc.settings import issuer
from identity.sessions.service import Live

# RFC 8628, 6.1: consonants make no words and are hard to mistake for digits.
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8


class UnknownUserCode(NotFound):
    title = Text("代码无效或已过期", "The code is wrong or has expired")
    next_step = Text("请核对设备上显示的代码", "Check the code that the device shows")


def begin() -> dict[str, Any]:
    """Answer a device authorization request; raises `OAuthError`."""
    params = forms.form(request)
    client = client_for(clients.caller(params), DEVICE)
    access = asked_access(params, client.access)
    asked = details.asked(params, client, list(access))
    device_code = secrets.token_urlsafe(32)
    user_code = _keep(device_code, client_id=client.id, access=access, authorization_details=asked)
    return _answer(device_code, user_code)


def _keep(device_code: str, **values: Any) -> str:
    origin = guesses.network(request.remote_addr or "")
    while True:
        user_code = "".join(secrets.choice(_CONSONANTS) for _ in range(_LENGTH))
        index = _index(user_code)
        # Two of 25 thousand million codes meet once in a city's life; the second one draws again.
        if opened(device_code, kind="device", user_code_index=index, origin=origin, **values):
            return user_code


def _answer(device_code: str, user_code: str) -> dict[str, Any]:
    page = f"{issuer()}/device"
    return {
        "device_code": device_code,
        "user_code": shown(user_code),
        "verification_uri": page,
        "verification_uri_complete": f"{page}?{urlencode({'user_code': shown(user_code)})}",
        "expires_in": LIFETIME_SECONDS,
        "interval": INTERVAL_SECONDS,
    }


def shown(user_code: str) -> str:
    """Return a user code in two groups."""
    return f"{user_code[:4]}-{user_code[4:]}"


def typed(text: str) -> str:
    """Return what a person typed as a user code: case, blanks and dashes do not count (RFC 8628, 6.1)."""
    return "".join(sign for sign in text.upper()[:40] if sign in _CONSONANTS)


def find(text: str, live: Live, *, source: str) -> tuple[DecoupledRequest, Client]:
    """Return the open request of a typed code; raises `UnknownUserCode` and `TooManyGuesses`.

    A right code takes nothing back from the count: who makes requests
    of their own would otherwise guess at others' without end.
    """
    guesses.admit(f"user-code/{live.account_id}", source)
    code = typed(text)
    found = pending(DecoupledRequest.user_code_index == _index(code)) if len(code) == _LENGTH else []
    if not found:
        raise UnknownUserCode
    return found[0]


def _index(user_code: str) -> bytes:
    return crypto.blind_index(user_code, purpose="user-code")
