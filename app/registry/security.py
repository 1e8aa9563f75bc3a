"""Who may call, as the OpenAPI documents say it: read off each route's own declaration."""

from __future__ import annotations

from typing import Any

from app.guards import Access, access_of

BEARER = "bearer"
BEARER_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Access token for this audience (RFC 9068); each operation names the scopes that it must hold.",
}


def declare_access(view: Any, operations: dict[str, Any]) -> None:
    """Add to each operation of a view which scopes a caller needs, or that it needs no token."""
    for method, operation in operations.items():
        access = access_of(view, method.upper())
        # A route without one is refused by the rehearsal or stops the start.
        if access is not None:
            operation.update(security_of(access))


def security_of(access: Access) -> dict[str, Any]:
    """Return the members of an OpenAPI operation that state an access.

    `x-suxin-access` holds what OpenAPI has no word for: the kind of caller,
    assurance levels, purpose.
    """
    if access.public_because is not None:
        return {"security": []}
    further = {
        "kinds": [kind.value for kind in access.kinds],
        "proofing_level": access.proofing_level,
        "authentication_level": access.authentication_level,
        "purpose": access.purpose,
    }
    named = {name: value for name, value in further.items() if value}
    return {"security": [{BEARER: list(access.scopes)}], **({"x-suxin-access": named} if named else {})}
