"""npm openid-client, unmodified."""

from __future__ import annotations

from tests.interop import clients
from tests.interop.conftest import Program
from tests.served import City


def test_a_public_client_logs_in_reads_userinfo_and_revokes(program: Program, city: City) -> None:
    me = clients.public(city)
    resource, scope = clients.own_resource(me, city)

    found = program(
        "openid_client", me, resource=resource, scope=scope, want={"userinfo": True, "revoke": "access_token"}
    )

    assert (found["claims"]["iss"], found["claims"]["aud"]) == (city.base, me["client_id"])
    assert found["userinfo"]["sub"] == found["claims"]["sub"]
    assert found["afterRevocation"] == "OAUTH_WWW_AUTHENTICATE_CHALLENGE"


def test_a_code_used_twice_ends_what_its_first_use_gave(program: Program, city: City) -> None:
    me = clients.public(city)
    resource, scope = clients.own_resource(me, city)

    found = program("openid_client", me, resource=resource, scope=scope, want={"replay": True})

    assert found["replay"] == "invalid_grant"
    assert found["afterReplay"] == "OAUTH_WWW_AUTHENTICATE_CHALLENGE"


def test_a_terminal_gets_a_token_by_private_key_jwt(program: Program, city: City) -> None:
    me = city.world["terminals"][0]
    resource, scope = clients.own_resource(me, city)

    found = program("openid_client", me, resource=resource, scope=scope, want={"grant": "client_credentials"})

    assert found["first"]["token_type"].lower() == "bearer"
    assert set(found["first"]["scope"].split()) == set(scope.split())
