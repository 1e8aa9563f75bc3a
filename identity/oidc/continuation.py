"""What lets a person come back to an authorization request after log-in: a mark that only we can make.

It says when the request was first seen, so that the log-in that follows is
what `prompt=login` and `max_age` asked for, and so that a pushed request may
expire for everybody but the person who is busy with it.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

from app import crypto
from identity.oidc import forms
from identity.oidc.settings import INTERACTION_SECONDS

PARAMETER = "resume"


def without(params: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters as the client sent them."""
    return {name: value for name, value in params.items() if name != PARAMETER}


def begun_at(params: Mapping[str, str]) -> float | None:
    """Return when this very request was first seen, or None for a new, changed or too old one."""
    moment, _, mac = params.get(PARAMETER, "").partition(".")
    if not moment.isascii() or not moment.isdigit() or len(moment) > 14:
        return None
    if not hmac.compare_digest(_mac(moment, params).encode(), mac.encode("utf-8", "replace")):
        return None
    # In milliseconds: an earlier log-in of the same second is none that the request asked for.
    begun = int(moment) / 1000
    return begun if begun > time.time() - INTERACTION_SECONDS else None


def marked(params: Mapping[str, str]) -> str:
    """Return the query of a request with its mark: the one it has, or a new one."""
    own = without(params)
    if begun_at(params) is not None:
        return forms.encode({**own, PARAMETER: params[PARAMETER]})
    moment = str(int(time.time() * 1000))
    return forms.encode({**own, PARAMETER: f"{moment}.{_mac(moment, own)}"})


def _mac(moment: str, params: Mapping[str, str]) -> str:
    said = f"{moment}\0{forms.encode(without(params))}"
    return hmac.new(crypto.derive("authorization-request"), said.encode(), hashlib.sha256).hexdigest()
