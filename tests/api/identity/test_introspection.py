"""Introspection tells whom it concerns, and nobody else."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.db import UnitOfWork, unit_of_work
from identity.oidc import jose
from tests.api.identity import fapi, world
from tests.api.identity.fapi import App
from tests.api.identity.world import Citizen


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def app_client(work: UnitOfWork) -> App:
    return fapi.new_app("client_secret_basic", access={"suxin": ["openid", "profile"]})


def told(client: FlaskClient, app: App, token: str) -> dict[str, object]:
    answer = fapi.post(client, app, "/oauth2/introspect", token=token)
    assert answer.status_code == 200, answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, object] = answer.json
    return body


def test_client_is_told_about_its_own_tokens(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    body = fapi.tokens(client, app_client, citizen)

    access, refresh = (told(client, app_client, body[name]) for name in ("access_token", "refresh_token"))

    claims = jose.peek(body["access_token"])[1]
    assert access == {"active": True, "token_type": "Bearer"} | {
        name: claims[name] for name in ("iss", "sub", "aud", "client_id", "scope", "exp", "iat", "acr", "auth_time")
    }
    assert set(refresh) == {"active", "client_id", "exp"}


def test_server_of_an_audience_is_told_about_its_tokens(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    token = fapi.tokens(client, app_client, citizen)["access_token"]
    with unit_of_work():
        server = fapi.new_app("private_key_jwt", access={"suxin": ["introspect"]})
        neighbour = fapi.new_app("private_key_jwt", access={"health": ["introspect"], "suxin": ["openid"]})

    assert told(client, server, token)["active"] is True
    assert told(client, neighbour, token) == {"active": False}


def test_bound_token_is_told_with_its_key(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        app = fapi.new_fapi()
    token = fapi.tokens(client, app, citizen)["access_token"]

    body = told(client, app, token)

    assert app.dpop is not None
    assert (body["token_type"], body["cnf"]) == ("DPoP", {"jkt": app.dpop.thumbprint()})


def test_withdrawn_used_and_unknown_tokens_are_inactive_without_a_reason(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    body = fapi.tokens(client, app_client, citizen)
    used = body["refresh_token"]
    fapi.refresh(client, app_client, used)

    assert told(client, app_client, used) == {"active": False}
    for token in ("junk", "a.b.c", body["id_token"], "grant_x.0.y"):
        assert told(client, app_client, token) == {"active": False}
    fapi.post(client, app_client, "/oauth2/revoke", token=body["access_token"])
    assert told(client, app_client, body["access_token"]) == {"active": False}


def test_public_client_may_not_ask(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        app = fapi.new_app()
    token = fapi.tokens(client, app, citizen)["access_token"]

    answer = fapi.post(client, app, "/oauth2/introspect", token=token)

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_request_without_a_token_is_refused(client: FlaskClient, app_client: App) -> None:
    assert fapi.post(client, app_client, "/oauth2/introspect").json["error"] == "invalid_request"


def test_terminal_is_told_about_its_own_token(client: FlaskClient, work: UnitOfWork) -> None:
    with unit_of_work():
        terminal = world.new_terminal()
    token = world.terminal_token(client, terminal)
    form = {"token": token, "client_assertion_type": fapi.ASSERTION_TYPE, "client_assertion": world.assertion(terminal)}

    assert client.post("/oauth2/introspect", data=form).json["active"] is True
