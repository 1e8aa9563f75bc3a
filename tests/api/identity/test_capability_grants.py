"""A capability brings a grant of its own to the token endpoint; identity authenticates, binds and issues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import UnitOfWork, unit_of_work
from app.registry.check import sound
from app.registry.contract import Plugin
from app.registry.find import Candidate
from app.text import Text
from app.token_grants import GrantCaller, Granted, GrantRefused, TokenGrant, token_grants
from identity.oidc import jose
from identity.parties.directory import directory
from identity.parties.service import disable_person
from tests.api.identity import fapi, world
from tests.api.identity.world import Citizen

PRE_AUTHORISED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"


class FakeCertificates:
    """A capability with one code for one party."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.asked_by: list[GrantCaller] = []
        self.audience: str | None = None

    def serve(self, caller: GrantCaller, params: Mapping[str, str]) -> Granted:
        self.asked_by.append(caller)
        party = self.codes.pop(params.get("pre-authorized_code", ""), None)
        if party is None:
            raise GrantRefused("invalid_grant", "the code is unknown or used")
        more = {"authorization_details": [{"type": "openid_credential"}]}
        return Granted(subject=party, scopes=("certificates:read",), audience=self.audience, more=more)


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def certificates(app: Flask) -> Iterator[FakeCertificates]:
    fake = FakeCertificates()
    with app.app_context():
        held = token_grants._held(app)
    held[PRE_AUTHORISED] = TokenGrant(fake.serve, anonymous=True)
    yield fake
    held.pop(PRE_AUTHORISED)


def ask(client: FlaskClient, **more: Any) -> Any:
    return client.post("/oauth2/token", data={"grant_type": PRE_AUTHORISED, **more})


def test_wallet_without_registration_gets_a_token(
    client: FlaskClient, citizen: Citizen, certificates: FakeCertificates
) -> None:
    certificates.codes["c-1"] = citizen.person_id

    body = ask(client, **{"pre-authorized_code": "c-1"}).json

    claims = jose.peek(body["access_token"])[1]
    assert (claims["kind"], claims["scope"], claims["client_id"]) == ("citizen", "certificates:read", "anonymous")
    assert body["authorization_details"] == [{"type": "openid_credential"}]
    assert citizen.person_id not in str(claims)
    assert client.get("/api/certificates", headers=world.bearer(body["access_token"])).status_code in (200, 404)
    assert ask(client, **{"pre-authorized_code": "c-1"}).json["error"] == "invalid_grant"


def test_registered_client_is_named_to_the_capability_and_its_key_binds(
    client: FlaskClient, citizen: Citizen, certificates: FakeCertificates
) -> None:
    certificates.codes["c-1"] = citizen.person_id
    with unit_of_work():
        app = fapi.new_app("private_key_jwt", dpop=True, grant_types=[PRE_AUTHORISED])
    assert app.dpop is not None

    answer = fapi.post(client, app, "/oauth2/token", grant_type=PRE_AUTHORISED, **{"pre-authorized_code": "c-1"})

    asked = certificates.asked_by[0]
    assert (asked.client, asked.confidential, asked.jkt) == (app.id, True, app.dpop.thumbprint())
    assert answer.json["token_type"] == "DPoP"
    assert jose.peek(answer.json["access_token"])[1]["cnf"] == {"jkt": app.dpop.thumbprint()}


def test_wallet_without_registration_may_bind_its_key(
    client: FlaskClient, citizen: Citizen, certificates: FakeCertificates
) -> None:
    certificates.codes["c-1"] = citizen.person_id
    key = jose.new_key()

    form = {"grant_type": PRE_AUTHORISED, "pre-authorized_code": "c-1"}
    answer = client.post("/oauth2/token", data=form, headers={"DPoP": fapi.proof(client, key, "/oauth2/token")})

    assert jose.peek(answer.json["access_token"])[1]["cnf"] == {"jkt": key.thumbprint()}


def test_client_that_is_not_registered_for_it_is_refused(
    client: FlaskClient, citizen: Citizen, certificates: FakeCertificates
) -> None:
    certificates.codes["c-1"] = citizen.person_id
    with unit_of_work():
        app = fapi.new_app("private_key_jwt")

    answer = fapi.post(client, app, "/oauth2/token", grant_type=PRE_AUTHORISED, **{"pre-authorized_code": "c-1"})

    assert answer.json["error"] == "unauthorized_client"
    assert certificates.asked_by == []


def test_wrong_credentials_do_not_pass_as_none(client: FlaskClient, certificates: FakeCertificates) -> None:
    for more in ({"client_id": "client_unknown"}, {"client_assertion": "x"}, {"client_secret": "x"}):
        assert ask(client, **more).json["error"] == "invalid_client"
    assert certificates.asked_by == []


def test_stopped_person_gets_nothing(client: FlaskClient, citizen: Citizen, certificates: FakeCertificates) -> None:
    certificates.codes["c-1"] = citizen.person_id
    with unit_of_work():
        disable_person(citizen.person_id)

    assert ask(client, **{"pre-authorized_code": "c-1"}).json["error"] == "invalid_grant"


def test_plugins_grant_speaks_of_its_own_subjects_to_its_own_audience(
    app: Flask, client: FlaskClient, citizen: Citizen, certificates: FakeCertificates
) -> None:
    token_grants._held(app)[PRE_AUTHORISED] = TokenGrant(certificates.serve, anonymous=True, owner="health")
    with unit_of_work():
        certificates.codes["c-1"] = directory.subject_of(citizen.person_id, "health")

    body = ask(client, **{"pre-authorized_code": "c-1"}).json

    assert jose.peek(body["access_token"])[1]["aud"] == world.HEALTH
    certificates.codes["c-2"] = certificates.codes.setdefault("c-1", citizen.person_id)
    assert ask(client, **{"pre-authorized_code": "c-2"}).json["error"] == "invalid_grant"  # no subject of its own


def test_plugins_grant_opens_no_door_of_the_city(
    app: Flask, client: FlaskClient, citizen: Citizen, certificates: FakeCertificates
) -> None:
    token_grants._held(app)[PRE_AUTHORISED] = TokenGrant(certificates.serve, anonymous=True, owner="health")
    certificates.audience = "suxin"
    with unit_of_work():
        certificates.codes["c-1"] = directory.subject_of(citizen.person_id, "health")

    assert ask(client, **{"pre-authorized_code": "c-1"}).json["error"] == "invalid_target"


def test_metadata_names_it(client: FlaskClient, certificates: FakeCertificates) -> None:
    offered = client.get("/.well-known/openid-configuration").json["grant_types_supported"]

    assert PRE_AUTHORISED in offered


@pytest.mark.parametrize("name", ["authorization_code", "password", "", "my_grant"])
def test_plugin_cannot_take_a_name_of_the_protocol(name: str) -> None:
    plugin = Plugin(
        name="wallet", title=Text("卡", "Wallet"), version="1", api=(1, 0), token_grants={name: lambda *_: None}
    )  # fmt: skip

    kept, refused = sound([Candidate(name="wallet", distribution="x", version="1", value=plugin)])

    assert not kept
    assert "URI" in str(refused[0][1])
