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
        want={"discovery": discovery, "api": f"{city.base}/api/identity/me", "revoke": "access_token"},
    )  # fmt: skip

    assert found["userinfo"]["sub"] == found["claims"]["sub"] != found["api"]["id"]
    assert found["api"]["name"] == found["userinfo"]["name"]
    assert found["afterRevocation"] is not None


def test_a_terminal_gets_a_token_by_private_key_jwt(program: Program, city: City) -> None:
    me = city.world["terminals"][0]
    resource, scope = clients.own_resource(me, city)

    found = program("oauth4webapi", me, resource=resource, scope=scope, want={"grant": "client_credentials"})

    assert found["first"]["expires_in"] == 300
