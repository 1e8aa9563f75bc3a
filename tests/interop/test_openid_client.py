"""npm openid-client, unmodified."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.interop import clients
from tests.interop.conftest import Program
from tests.served import City

REFUSED = "OAUTH_WWW_AUTHENTICATE_CHALLENGE"


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JWT without checking it."""
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_a_public_client_logs_in_refreshes_and_logs_out(program: Program, city: City) -> None:
    me = clients.public(city)
    resource, scope = clients.own_resource(me, city)

    found = program(
        "openid_client", me, resource=resource, scope=scope, want={"userinfo": True, "refresh": True, "logout": True}
    )

    assert (found["claims"]["iss"], found["claims"]["aud"]) == (city.base, me["client_id"])
    assert found["userinfo"]["sub"] == found["claims"]["sub"] == found["userinfoAfter"]["sub"]
    assert found["rotated"]
    assert found["loggedOut"] == f"{me['post_logout_redirect_uris'][0]}?state=left"


def test_a_public_client_revokes_its_tokens(program: Program, city: City) -> None:
    me = clients.public(city)
    resource, scope = clients.own_resource(me, city)

    access = program("openid_client", me, resource=resource, scope=scope, want={"revoke": "access_token"})
    refresh = program("openid_client", me, resource=resource, scope=scope, want={"revoke": "refresh_token"})

    assert (access["afterRevocation"], refresh["afterRevocation"]) == (REFUSED, "invalid_grant")


def test_a_code_used_twice_ends_what_its_first_use_gave(program: Program, city: City) -> None:
    me = clients.public(city)
    resource, scope = clients.own_resource(me, city)

    found = program("openid_client", me, resource=resource, scope=scope, want={"replay": True})

    assert (found["replay"], found["afterReplay"]) == ("invalid_grant", REFUSED)


def test_a_fapi_client_pushes_binds_refreshes_introspects_and_logs_out(program: Program, city: City) -> None:
    me = clients.fapi(city)
    resource, scope = clients.own_resource(me, city)

    found = program(
        "openid_client", me, resource=resource, scope=scope,
        want={"par": True, "dpop": True, "userinfo": True, "introspect": True, "refresh": True, "logout": True},
    )  # fmt: skip

    assert found["first"]["token_type"].lower() == "dpop"
    assert claims_of(found["first"]["access_token"])["cnf"]["jkt"]
    assert found["introspected"]["active"]
    assert found["introspected"]["token_type"] == "DPoP"
    assert not found["rotated"]
    assert found["userinfoAfter"]["sub"] == found["claims"]["sub"]
    assert found["loggedOut"].startswith(me["post_logout_redirect_uris"][0])


def test_a_fapi_client_revokes_its_tokens(program: Program, city: City) -> None:
    me = clients.fapi(city)
    resource, scope = clients.own_resource(me, city)

    found = program(
        "openid_client", me, resource=resource, scope=scope, want={"par": True, "dpop": True, "revoke": "refresh_token"}
    )

    assert found["afterRevocation"] == "invalid_grant"


def test_two_sectors_know_one_person_by_two_subjects(program: Program, city: City) -> None:
    seen = []
    for me, want in ((clients.fapi(city), {"par": True, "dpop": True}), (clients.older(city), {})):
        resource, scope = clients.own_resource(me, city)
        seen.append(program("openid_client", me, resource=resource, scope=scope, want=want)["claims"]["sub"])

    assert len(set(seen)) == 2


def test_a_client_with_a_secret_gets_id_tokens_signed_by_rs256(program: Program, city: City) -> None:
    me = clients.older(city)
    resource, scope = clients.own_resource(me, city)

    found = program(
        "openid_client",
        me,
        resource=resource,
        scope=scope,
        want={"userinfo": True, "introspect": True, "refresh": True},
    )

    head = found["first"]["id_token"].split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "RS256"
    assert found["introspected"]["active"]
    assert found["rotated"]


def test_programs_and_terminals_get_tokens_by_private_key_jwt(program: Program, city: City) -> None:
    for me in (city.world["terminals"][0], clients.with_grant(city, "client_credentials")):
        resource, scope = clients.own_resource(me, city)

        found = program("openid_client", me, resource=resource, scope=scope, want={"grant": "client_credentials"})

        assert found["first"]["token_type"].lower() == "bearer"
        assert set(found["first"]["scope"].split()) == set(scope.split())


def test_a_device_is_allowed_on_another_screen(program: Program, city: City) -> None:
    me = clients.with_grant(city, "urn:ietf:params:oauth:grant-type:device_code")
    resource, scope = clients.own_resource(me, city)

    found = program(
        "openid_client", me, resource=resource, scope=scope, want={"grant": "device_code", "userinfo": True}
    )

    assert found["device"]["verification_uri"].startswith(city.base)
    assert found["userinfo"]["sub"] == found["claims"]["sub"]


def test_a_bank_asks_for_approval_by_ciba(program: Program, city: City) -> None:
    me = clients.with_grant(city, "urn:openid:params:grant-type:ciba")
    resource, scope = clients.own_resource(me, city)

    found = program(
        "openid_client", me, resource=resource, scope=scope,
        want={"grant": "ciba", "par": True, "dpop": True, "userinfo": True},
    )  # fmt: skip

    assert found["userinfo"]["sub"] == found["claims"]["sub"]


def test_a_plugin_exchanges_the_token_sent_to_it(program: Program, city: City) -> None:
    me, by = clients.public(city), clients.exchanging(city)
    health = f"{city.base}/api/health"
    scope = f"{clients.own_resource(me, city)[1]} {me['scopes'][health]}"

    found = program(
        "openid_client", me, resource=[city.base, health], scope=scope,
        want={"exchange": {"by": by, "from": health, "to": city.base, "scope": "profile"}},
    )  # fmt: skip

    exchanged = claims_of(found["exchanged"]["access_token"])
    assert exchanged["aud"] == city.base
    assert exchanged["act"]["sub"]
