"""The endpoint that takes pushed authorization requests (PAR, RFC 9126), before the browser is involved."""

from __future__ import annotations

from typing import Any

from flask import request

from identity.oidc import asked, clients, forms, pushed
from identity.oidc.errors import OAuthError
from identity.oidc.settings import PUSHED_SECONDS

_CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def push() -> dict[str, Any]:
    """Check and keep a request and return its `request_uri`; raises `OAuthError`."""
    params = forms.form(request)
    caller = clients.caller(params)
    if caller.client is None:
        raise OAuthError("unauthorized_client", "terminals log nobody in")
    if "request_uri" in params:
        raise OAuthError("invalid_request", "a pushed request holds no request_uri")
    if params.get("client_id", caller.id) != caller.id:
        raise OAuthError("invalid_request", "client_id is another client's")
    own = {name: value for name, value in params.items() if name not in _CREDENTIALS} | {"client_id": caller.id}
    asked.checked_push(caller.client, own)
    return {
        "request_uri": pushed.keep(caller.id, own, _bound_to(own, caller.jkt)),
        "expires_in": PUSHED_SECONDS,
    }


def _bound_to(params: dict[str, str], proven: str | None) -> str | None:
    """Return the key that the code shall be bound to (RFC 9449, 10.1); raises when two keys are named."""
    named = params.get("dpop_jkt")
    if named is not None and proven is not None and named != proven:
        raise OAuthError("invalid_dpop_proof", "dpop_jkt is not the key of the proof")
    return proven or named
