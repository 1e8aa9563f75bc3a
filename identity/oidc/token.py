"""The token endpoint, as a list of named steps."""

from __future__ import annotations

from typing import Any

from flask import request

from app.token_grants import TokenGrant
from identity.oidc import clients, forms
from identity.oidc.clients import Caller
from identity.oidc.errors import OAuthError
from identity.oidc.grants import GRANTS
from identity.oidc.grants.capability import capability, nameless, registered


def give() -> dict[str, Any]:
    """Answer one token request; raises `OAuthError`."""
    params = forms.form(request)
    grant_type = forms.needed(params, "grant_type")
    more = registered(grant_type)
    if grant_type in GRANTS:
        return _by_own_grant(grant_type, params)
    if more is not None:
        return _by_capability(grant_type, more, params)
    raise OAuthError("unsupported_grant_type", "see grant_types_supported in the metadata")


def _by_own_grant(grant_type: str, params: dict[str, str]) -> dict[str, Any]:
    caller = clients.caller(params)
    _check_may(caller, grant_type)
    return GRANTS[grant_type](caller, params)


def _by_capability(grant_type: str, grant: TokenGrant, params: dict[str, str]) -> dict[str, Any]:
    if nameless(grant, params):
        return capability(grant, None, params)
    caller = clients.caller(params)
    _check_may(caller, grant_type)
    return capability(grant, caller, params)


def _check_may(caller: Caller, grant_type: str) -> None:
    if caller.client is None:
        return
    if grant_type not in caller.client.grant_types:
        raise OAuthError("unauthorized_client", "the client is not registered for this grant")
    if caller.client.profile == "fapi2" and caller.jkt is None:
        raise OAuthError("invalid_dpop_proof", "this client's tokens are bound to a key: send a DPoP proof")
