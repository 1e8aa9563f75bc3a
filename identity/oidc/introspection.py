"""The introspection endpoint (RFC 7662): is this token good, told to those whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from identity.oidc import clients, forms, jose, refresh_token
from identity.oidc.clients import Caller
from identity.oidc.errors import OAuthError
from identity.oidc.grants.living import living_grant
from identity.oidc.settings import resource_of
from identity.oidc.verify import claims_of

# A caller whose registration holds this scope at an audience is a server there and may ask about its tokens.
SCOPE = "introspect"
_TOLD = ("iss", "sub", "aud", "client_id", "scope", "exp", "iat", "acr", "auth_time", "cnf", "act",
         "authorization_details")  # fmt: skip
_UNKNOWN = {"active": False}


def introspect() -> dict[str, Any]:
    """Return what a token says while it is good; `active: false` for all else, without a reason."""
    params = forms.form(request)
    token = forms.needed(params, "token")
    caller = clients.caller(params)
    if not caller.confidential:
        raise OAuthError("invalid_client", "only a client that authenticates may ask", status=401)
    refreshing = refresh_token.opened(token, caller.id)
    if refreshing is not None:
        return _of_family(refreshing, caller)
    try:
        claims = claims_of(token)
    except jose.BadToken:
        return _UNKNOWN
    return _told(claims) if _concerns(claims, caller) else _UNKNOWN


def _concerns(claims: Mapping[str, Any], caller: Caller) -> bool:
    audiences = {resource_of(audience) for audience, scopes in caller.access.items() if SCOPE in scopes}
    return claims["client_id"] == caller.id or claims["aud"] in audiences


def _told(claims: Mapping[str, Any]) -> dict[str, Any]:
    kind = "DPoP" if "cnf" in claims else "Bearer"
    return {"active": True, "token_type": kind} | {name: claims[name] for name in _TOLD if name in claims}


def _of_family(shown: refresh_token.RefreshToken, caller: Caller) -> dict[str, Any]:
    grant = living_grant(shown.grant_id)
    if grant is None or grant.client_id != caller.id or grant.refresh_generation != shown.generation:
        return _UNKNOWN
    found: dict[str, Any] = {"active": True, "client_id": caller.id}
    return found if grant.expires_at is None else found | {"exp": int(grant.expires_at.timestamp())}
