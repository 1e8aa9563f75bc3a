"""Authorization details: asked for by registered clients, shown in words, carried by tokens (RFC 9396)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.authorization_details import BadDetail, Detail, DetailType, detail_types
from app.db import UnitOfWork, session, unit_of_work
from app.text import Text
from identity.oidc import jose
from identity.oidc.models import AuthorizationGrant, Client
from tests.api.identity import programs, world
from tests.api.identity.programs import Program
from tests.api.identity.world import Citizen, Pkce

MANDATE = {"type": "mandate", "actions": ["apply", "collect"], "matters": ["housing.rent"], "valid_until": "2027-01-31"}
READ = {"type": "mandate", "actions": ["read"]}


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def app_client(work: UnitOfWork) -> str:
    client_id = world.new_client()
    session().execute(update(Client).where(Client.id == client_id).values(detail_types=["mandate"]))
    return client_id


def text(*details: Any) -> str:
    """Return details as a parameter."""
    return json.dumps(details)


def test_details_are_worded_on_the_consent_page_and_carried_by_the_token(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    world.log_in(client, citizen.login_name)
    pkce = Pkce.fresh()
    query = world.request_of(app_client, pkce, authorization_details=text(MANDATE))
    page = client.get(f"/oauth2/authorize?{query}").get_data(as_text=True)
    assert "代您申请、领取结果：housing.rent，至 2027-01-31" in page

    body = world.redeem(client, app_client, world.code_of(world.approve(client, query)), pkce).json

    assert body["authorization_details"] == [MANDATE]
    assert jose.peek(body["access_token"])[1]["authorization_details"] == [MANDATE]


def test_english_reader_gets_english_words(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    world.log_in(client, citizen.login_name)
    query = world.request_of(app_client, Pkce.fresh(), authorization_details=text(READ))

    page = client.get(f"/oauth2/authorize?{query}", headers={"Accept-Language": "en"}).get_data(as_text=True)

    assert "For you: read; every matter" in page


def test_details_are_consented_to_every_time(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    world.citizen_tokens(client, citizen, app_client, authorization_details=text(READ))

    query = world.request_of(app_client, Pkce.fresh(), authorization_details=text(READ))

    assert client.get(f"/oauth2/authorize?{query}").status_code == 200


def test_token_request_may_ask_for_less_and_never_for_more(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    for asked, carried in ((text(READ), [READ]), (text(MANDATE, READ), [MANDATE, READ])):
        code, pkce = code_of(client, citizen, app_client)
        body = world.redeem(client, app_client, code, pkce, authorization_details=asked).json
        assert body["authorization_details"] == carried
    for wrong in (text({**READ, "actions": ["read", "sign"]}), text({"type": "mandate"}), "[]", "x", "{}"):
        code, pkce = code_of(client, citizen, app_client)
        answer = world.redeem(client, app_client, code, pkce, authorization_details=wrong)
        assert answer.json["error"] == "invalid_authorization_details"


def code_of(client: FlaskClient, citizen: Citizen, app_client: str) -> tuple[str, Pkce]:
    """Return a code whose consent holds two details."""
    world.log_in(client, citizen.login_name)
    pkce = Pkce.fresh()
    query = world.request_of(app_client, pkce, authorization_details=text(MANDATE, READ))
    return world.code_of(world.approve(client, query)), pkce


def test_detail_travels_with_its_own_audience_only(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    there = {**READ, "locations": [world.HEALTH]}
    both = f"{world.ISSUER} {world.HEALTH}".split()
    world.log_in(client, citizen.login_name)
    carried = {}
    for resource in both:
        pkce = Pkce.fresh()
        query = world.request_of(app_client, pkce, scope=None, authorization_details=text(MANDATE, there)) + "".join(
            f"&resource={each}" for each in both
        )
        code = world.code_of(world.approve(client, query))
        body = world.redeem(client, app_client, code, pkce, resource=resource).json
        carried[resource] = jose.peek(body["access_token"])[1]["authorization_details"]

    assert carried == {world.ISSUER: [MANDATE], world.HEALTH: [there]}


def test_refreshed_token_keeps_its_details(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    body = world.citizen_tokens(client, citizen, app_client, authorization_details=text(READ))

    again = client.post(
        "/oauth2/token",
        data={"grant_type": "refresh_token", "client_id": app_client, "refresh_token": body["refresh_token"]},
    )

    assert jose.peek(again.json["access_token"])[1]["authorization_details"] == [READ]


def test_a_refresh_for_more_than_was_granted_costs_the_client_nothing(clean_city: Flask) -> None:
    # Only a city that really commits keeps what a refused request did before its refusal.
    with clean_city.app_context(), unit_of_work():
        citizen, app_client = world.new_citizen(), world.new_client()
        session().execute(update(Client).where(Client.id == app_client).values(detail_types=["mandate"]))
    client = clean_city.test_client()
    body = world.citizen_tokens(client, citizen, app_client, authorization_details=text(READ))
    form = {"grant_type": "refresh_token", "client_id": app_client, "refresh_token": body["refresh_token"]}

    refused = client.post("/oauth2/token", data={**form, "authorization_details": text(MANDATE)})

    assert (refused.status_code, refused.get_json()["error"]) == (400, "invalid_authorization_details")
    with clean_city.app_context(), unit_of_work():
        assert session().scalars(select(AuthorizationGrant.refresh_generation)).all() == [0]


WRONG: dict[str, Any] = {
    "no JSON": "{",
    "an object": json.dumps(MANDATE),
    "an empty list": "[]",
    "a list of texts": '["mandate"]',
    "no type": text({"actions": ["read"]}),
    "type is a number": text({"type": 7}),
    "unknown type": text({"type": "payment_initiation"}),
    "too many": text(*[READ] * 11),
    "too long": text({**READ, "x": "y" * 9_000}),
    "member twice": '[{"type":"mandate","type":"mandate","actions":["read"]}]',
    "deep": "[" * 3_000,
    "no actions": text({"type": "mandate"}),
    "empty actions": text({"type": "mandate", "actions": []}),
    "actions as text": text({"type": "mandate", "actions": "read"}),
    "unknown action": text({"type": "mandate", "actions": ["vote"]}),
    "action twice": text({"type": "mandate", "actions": ["read", "read"]}),
    "action is an object": text({"type": "mandate", "actions": [{}]}),
    "unknown member": text({**READ, "amount": 1}),
    "empty matters": text({**READ, "matters": []}),
    "matters as text": text({**READ, "matters": "housing.rent"}),
    "matter with markup": text({**READ, "matters": ["<b>x</b>"]}),
    "too many matters": text({**READ, "matters": ["housing.rent"] * 21}),
    "date of another form": text({**READ, "valid_until": "31.1.2027"}),
    "date that is none": text({**READ, "valid_until": "2027-02-31"}),
    "date is a number": text({**READ, "valid_until": 7}),
    "foreign location": text({**READ, "locations": ["https://elsewhere.test"]}),
    "location not asked for": text({**READ, "locations": [world.HEALTH]}),
    "no location": text({**READ, "locations": []}),
    "location as text": text({**READ, "locations": world.ISSUER}),
}


@pytest.mark.parametrize("details", WRONG.values(), ids=WRONG.keys())
def test_wrong_details_are_told_to_the_client(client: FlaskClient, app_client: str, details: str) -> None:
    query = world.request_of(app_client, Pkce.fresh(), authorization_details=details)

    answer = client.get(f"/oauth2/authorize?{query}")

    assert world.answered(answer)["error"] == "invalid_authorization_details"


@pytest.mark.parametrize("details", WRONG.values(), ids=WRONG.keys())
def test_wrong_details_are_refused_when_pushed(client: FlaskClient, work: UnitOfWork, details: str) -> None:
    program = programs.new_program(detail_types=["mandate"])
    form = {
        "response_type": "code", "redirect_uri": world.CALLBACK, "code_challenge": Pkce.fresh().challenge,
        "code_challenge_method": "S256", "authorization_details": details, **program.credentials(),
    }  # fmt: skip

    answer = client.post("/oauth2/par", data=form)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_authorization_details")


def test_client_asks_only_for_types_it_is_registered_for(client: FlaskClient, work: UnitOfWork) -> None:
    other = world.new_client()

    answer = client.get(f"/oauth2/authorize?{world.request_of(other, Pkce.fresh(), authorization_details=text(READ))}")

    assert world.answered(answer)["error"] == "invalid_authorization_details"


def test_device_shows_and_gets_details(client: FlaskClient, citizen: Citizen, work: UnitOfWork) -> None:
    screen = programs.new_device_client(detail_types=["mandate"])
    asked = programs.ask_device(client, screen, authorization_details=text(READ)).json
    world.log_in(client, citizen.login_name)
    page = programs.type_code(client, asked["user_code"]).get_data(as_text=True)
    assert "代您查看：所有事项" in page
    programs.decide(client, "/device/decision", page)

    assert programs.poll_device(client, screen, asked["device_code"]).json["authorization_details"] == [READ]


def test_introspection_tells_details(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    token = world.citizen_tokens(client, citizen, app_client, authorization_details=text(READ))["access_token"]
    with unit_of_work():
        server = programs.new_program(access={"suxin": ["introspect"]})

    told = client.post("/oauth2/introspect", data={"token": token, **server.credentials()}).json

    assert told["active"] is True
    assert told["authorization_details"] == [READ]


def test_plugin_brings_a_type_of_its_own(client: FlaskClient, work: UnitOfWork, monkeypatch: Any) -> None:
    def check(detail: Detail) -> None:
        if set(detail) != {"type", "prescription"}:
            raise BadDetail("a prescription is needed")

    own = DetailType(check=check, words=lambda _: Text("取一张处方的药", "Collect one prescription"))
    monkeypatch.setitem(client.application.extensions["suxin.ports"][detail_types.name], "health:collect", own)
    program: Program = programs.new_program(detail_types=["health:collect"])

    def ask(detail: Any) -> Any:
        form = {"scope": "openid", "authorization_details": text(detail), **program.credentials()}
        return client.post("/oauth2/device_authorization", data=form)

    assert ask({"type": "health:collect", "prescription": "rx-1"}).status_code == 200
    assert ask({"type": "health:collect"}).json["error_description"] == "a prescription is needed"
