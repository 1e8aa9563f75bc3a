"""The demo export's clients by what they are."""

from __future__ import annotations

from typing import Any

from tests.served import City


def public(city: City) -> dict[str, Any]:
    """Return the mobile app: public, PKCE."""
    return one(city, token_endpoint_auth_method="none", client_id="suxin-mobile")


def one(city: City, **wanted: str) -> dict[str, Any]:
    """Return the first client of which all this is true."""
    for each in city.world["clients"]:
        if all(each.get(name) == value for name, value in wanted.items()):
            found: dict[str, Any] = each
            return found
    raise LookupError(f"the demo export has no client with {wanted}")


def own_resource(client: dict[str, Any], city: City) -> tuple[str, str]:
    """Return the city's own resource and the scopes this client has there."""
    return city.base, client["scopes"][city.base]
