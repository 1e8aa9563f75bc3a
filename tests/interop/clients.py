"""The demo export's clients by what they are."""

from __future__ import annotations

from typing import Any

from tests.served import City


def public(city: City) -> dict[str, Any]:
    """Return the mobile app: public, PKCE."""
    return one(city, client_id="suxin-mobile")


def fapi(city: City) -> dict[str, Any]:
    """Return the bank: FAPI 2.0, by private_key_jwt and DPoP."""
    return one(city, profile="fapi2")


def older(city: City) -> dict[str, Any]:
    """Return the portal website: a secret, and ID tokens signed by RS256."""
    return one(city, token_endpoint_auth_method="client_secret_basic")


def exchanging(city: City) -> dict[str, Any]:
    """Return the plugin's program that exchanges tokens sent to it."""
    return with_grant(city, "urn:ietf:params:oauth:grant-type:token-exchange")


def with_grant(city: City, grant_type: str) -> dict[str, Any]:
    """Return the first client that may use a grant."""
    found: dict[str, Any] = next(each for each in city.world["clients"] if grant_type in each["grant_types"])
    return found


def one(city: City, **wanted: str) -> dict[str, Any]:
    """Return the first client of which all this is true."""
    for each in city.world["clients"]:
        if all(each.get(name) == value for name, value in wanted.items()):
            found: dict[str, Any] = each
            return found
    raise LookupError(f"the demo export has no client with {wanted}")


def own_resource(client: dict[str, Any], city: City) -> tuple[str, str]:
    """Return the city's own resource and the scopes this client has there, less the one that outlives the session."""
    held = client["scopes"][city.base].split()
    return city.base, " ".join(scope for scope in held if scope != "offline_access")
