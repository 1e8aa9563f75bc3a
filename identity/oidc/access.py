"""What a caller may ask for: scopes by audience out of its own list; a token is for one audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.guards import CORE_AUDIENCE
from identity.oidc.errors import OAuthError
from identity.oidc.settings import audience_of

Access = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An audience and the scopes a token shall carry for it."""

    audience: str
    scopes: tuple[str, ...]


def asked_access(params: Mapping[str, str], allowed: Access) -> dict[str, list[str]]:
    """Return what may be granted of what an authorization asks for, at each resource named (RFC 8707, 2.1).

    No resource means the city itself; no scope asks for all. Raises
    `invalid_target` for a resource the caller has no business with,
    `invalid_scope` for a scope it may hold at none of them.
    """
    audiences = [_known(each, allowed) for each in params.get("resource", "").split()] or [_known(None, allowed)]
    asked = params.get("scope", "").split()
    held = {scope for audience in audiences for scope in allowed[audience]}
    if not set(asked) <= held:
        raise OAuthError("invalid_scope", "this client may not hold one of the scopes at that resource")
    return {
        audience: [scope for scope in allowed[audience] if not asked or scope in asked]
        for audience in dict.fromkeys(audiences)
    }


def wanted(params: Mapping[str, str], allowed: Access) -> Wanted:
    """Return what one token shall carry of what is allowed.

    A request that names no resource gets the city, or else the only audience
    there is. Raises `invalid_target` and `invalid_scope`.
    """
    resources = params.get("resource", "").split()
    if len(resources) > 1:
        raise OAuthError("invalid_target", "a token is for one resource")
    if not resources and CORE_AUDIENCE not in allowed and len(allowed) == 1:
        audience = next(iter(allowed))
    else:
        audience = _known(resources[0] if resources else None, allowed)
    asked = params.get("scope", "").split() or list(allowed[audience])
    if not set(asked) <= set(allowed[audience]):
        raise OAuthError("invalid_scope", "this client may not hold one of the scopes at that resource")
    return Wanted(audience, tuple(scope for scope in allowed[audience] if scope in asked))


def _known(resource: str | None, allowed: Access) -> str:
    audience = CORE_AUDIENCE if resource is None else audience_of(resource)
    if audience is None or audience not in allowed:
        raise OAuthError("invalid_target", "this client may not call that resource")
    return audience
