"""What a caller may ask for: one audience per token, scopes out of its own list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.guards import CORE_AUDIENCE
from identity.oidc.errors import OAuthError
from identity.oidc.settings import audience_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """An audience and the scopes a token shall carry for it."""

    audience: str
    scopes: tuple[str, ...]


def wanted(params: Mapping[str, str], access: Mapping[str, list[str]]) -> Wanted:
    """Return what may be granted of what was asked.

    Raises `invalid_target` for a resource the caller has no business with,
    `invalid_scope` for a scope it may not hold there. No scope asks for all.
    """
    audience = CORE_AUDIENCE
    if "resource" in params:
        audience = audience_of(params["resource"]) or ""
    if audience not in access:
        raise OAuthError("invalid_target", "this client may not call that resource")
    allowed = access[audience]
    asked = params.get("scope", "").split() or list(allowed)
    if not set(asked) <= set(allowed):
        raise OAuthError("invalid_scope", "this client may not hold one of the scopes at that resource")
    return Wanted(audience, tuple(scope for scope in allowed if scope in asked))
