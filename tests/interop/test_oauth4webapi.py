"""npm oauth4webapi, unmodified: every answer passes the library's own checks."""

from __future__ import annotations

import pytest

from tests.interop import clients
from tests.interop.conftest import Program
from tests.served import City


@pytest.mark.parametrize("discovery", ["oidc", "oauth2"])
def test_a_public_client_logs_in_calls_the_city_and_revokes(program: Program, city: City, discovery: str) -> None:
    me = clients.public(city)
    resource, scope = clients.own_resource(me, city)

    found = program(
        "oauth4webapi", me, resource=resource, scope=scope,
        want={"discovery": discovery, "api": f"{city.base}/api/identity/me", "refresh": True, "revoke": "access_token"},
    )  # fmt: skip

    assert found["userinfo"]["sub"] == found["claims"]["sub"] != found["api"]["id"]
    assert found["api"]["name"] == found["userinfo"]["name"]
    assert found["rotated"]
    assert found["afterRevocation"] == "OAUTH_WWW_AUTHENTICATE_CHALLENGE"


def test_a_fapi_client_meets_the_nonce_and_calls_the_city(program: Program, city: City) -> None:
    me = clients.fapi(city)
    resource, scope = clients.own_resource(me, city)

    found = program(
        "oauth4webapi", me, resource=resource, scope=scope,
        want={
            "par": True, "dpop": True, "introspect": True, "refresh": True, "resourceServer": True,
            "api": f"{city.base}/api/identity/me",
        },
    )  # fmt: skip

    assert found["nonces"] >= 1
    assert found["first"]["token_type"] == "dpop"
    assert found["api"]["name"] == found["userinfo"]["name"]
    assert found["introspected"]["active"]
    assert not found["rotated"]
    assert found["resourceServer"]["cnf"]["jkt"]


def test_a_client_with_a_secret_logs_in_and_introspects(program: Program, city: City) -> None:
    me = clients.older(city)
    resource, scope = clients.own_resource(me, city)

    found = program("oauth4webapi", me, resource=resource, scope=scope, want={"introspect": True, "refresh": True})

    assert found["introspected"]["active"]
    assert found["rotated"]


def test_programs_and_terminals_get_tokens_by_private_key_jwt(program: Program, city: City) -> None:
    for me in (city.world["terminals"][0], clients.with_grant(city, "client_credentials")):
        resource, scope = clients.own_resource(me, city)

        found = program("oauth4webapi", me, resource=resource, scope=scope, want={"grant": "client_credentials"})

        assert found["first"]["expires_in"] == 300
