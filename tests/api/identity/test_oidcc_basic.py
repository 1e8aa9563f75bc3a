"""What the OpenID Foundation's modules of the basic profile (`oidcc-*`) look at; names follow theirs."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import KeySet
from sqlalchemy import update

from app.db import UnitOfWork, add, now, session, unit_of_work
from identity.oidc import jose, keys
from identity.oidc.models import Client, ClientKey, SigningKey
from identity.sessions.models import BrowserSession
from tests.api.identity import fapi, world
from tests.api.identity.fapi import App
from tests.api.identity.world import Citizen, Pkce


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def app_client(work: UnitOfWork) -> App:
    return fapi.new_app("client_secret_basic", id_token_alg="RS256")


def ask(client: FlaskClient, app: App, **changes: Any) -> Any:
    """Open the authorization endpoint with a good request, changed."""
    return client.get(f"/oauth2/authorize?{fapi.query(client, app, Pkce.fresh(), **changes)}")


def error_of(answer: Any) -> str:
    assert answer.status_code == 303, answer.status_code
    return world.answered(answer)["error"]


def test_server(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    body = fapi.tokens(client, app_client, citizen)

    published = KeySet.import_key_set(client.get("/oauth2/jwks").json)
    header, identity = jose.peek(body["id_token"])
    assert header["alg"] == "RS256"
    assert jws.deserialize_compact(body["id_token"], published, algorithms=["RS256"]).payload
    assert identity["aud"] == app_client.id
    assert identity["exp"] > time.time()
    assert body["token_type"] == "Bearer"


def test_discovery_endpoint_verification(client: FlaskClient) -> None:
    document = client.get("/.well-known/openid-configuration").json

    # Authlib insists on https, which the demo on this machine does without.
    secure = json.loads(json.dumps(document).replace("http://", "https://"))
    AuthorizationServerMetadata(secure).validate()
    OpenIDProviderMetadata(secure).validate()
    for name, address in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            status = client.post(address.removeprefix(world.ISSUER), data={"x": "y"}).status_code
            assert status in (303, 400, 401, 403, 405), name


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"])
def test_each_way_to_authenticate(client: FlaskClient, citizen: Citizen, method: str) -> None:
    with unit_of_work():
        app = fapi.new_app(method)

    assert fapi.tokens(client, app, citizen)["access_token"]


METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")


@pytest.mark.parametrize(("registered", "used"), [(one, other) for one in METHODS for other in METHODS if one != other])
def test_only_the_registered_way_works(client: FlaskClient, work: UnitOfWork, registered: str, used: str) -> None:
    with unit_of_work():
        app = fapi.new_app(registered)

    answer = fapi.post(client, App(app.id, used, app.secret, app.key), "/oauth2/token", grant_type="client_credentials")

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_two_ways_at_once_are_refused(client: FlaskClient, app_client: App) -> None:
    _, headers = fapi.credentials(app_client)
    form = {"grant_type": "client_credentials", "client_id": app_client.id, "client_secret": app_client.secret}

    assert client.post("/oauth2/token", data=form, headers=headers).json["error"] == "invalid_client"


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic !!!", "Basic YQ==", "Basic Og==", "Bearer x", "Digest x", "Basic \x80", "basic YTpi"],
)
def test_malformed_basic_is_refused(client: FlaskClient, work: UnitOfWork, authorization: str) -> None:
    answer = client.post(
        "/oauth2/token", data={"grant_type": "client_credentials"}, headers={"Authorization": authorization}
    )

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_codereuse(clean_city: Flask) -> None:
    with clean_city.app_context(), unit_of_work():
        citizen, app = world.new_citizen(), fapi.new_app("client_secret_basic")
    client = clean_city.test_client()
    code, pkce = fapi.new_code(client, app, citizen)
    body = fapi.redeem(client, app, code, pkce).json

    assert fapi.redeem(client, app, code, pkce).json["error"] == "invalid_grant"

    assert fapi.refresh(client, app, body["refresh_token"]).json["error"] == "invalid_grant"
    assert fapi.read(clean_city.test_client(), app, body["access_token"]).status_code == 401


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_prompt_login(client: FlaskClient, citizen: Citizen, app_client: App, prompt: str) -> None:
    fapi.tokens(client, app_client, citizen)
    to_log_in = ask(client, app_client, prompt=prompt)
    assert to_log_in.headers["Location"].startswith("/login?")
    return_to = world.answered(to_log_in)["return_to"]
    assert client.get(return_to).headers["Location"].startswith("/login?")  # not without a log-in

    world.log_in(client, citizen.login_name)

    assert world.code_of(client.get(return_to))


def test_prompt_none_logged_in(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    first = fapi.tokens(client, app_client, citizen)
    code, pkce = fapi.new_code(client, app_client, citizen, prompt="none")

    again = fapi.redeem(client, app_client, code, pkce).json

    subs = {jose.peek(body["id_token"])[1]["sub"] for body in (first, again)}
    assert len(subs) == 1


def test_prompt_none_not_logged_in(client: FlaskClient, app_client: App) -> None:
    assert error_of(ask(client, app_client, prompt="none")) == "login_required"


def test_prompt_none_without_consent(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    world.log_in(client, citizen.login_name)

    assert error_of(ask(client, app_client, prompt="none")) == "consent_required"


@pytest.mark.parametrize("prompt", ["none login", "none none consent", "create", "NONE"])
def test_contradicting_or_unknown_prompt_is_refused(client: FlaskClient, app_client: App, prompt: str) -> None:
    assert error_of(ask(client, app_client, prompt=prompt)) == "invalid_request"


def test_max_age_1(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    first = fapi.tokens(client, app_client, citizen)
    with unit_of_work():
        earlier = now() - timedelta(seconds=30)
        session().execute(update(BrowserSession).values(authenticated_at=earlier))
    to_log_in = ask(client, app_client, max_age="1")
    assert to_log_in.headers["Location"].startswith("/login?")

    world.log_in(client, citizen.login_name)
    pkce = Pkce.fresh()
    answer = client.get(f"/oauth2/authorize?{fapi.query(client, app_client, pkce, max_age='10')}")
    body = fapi.redeem(client, app_client, world.code_of(answer), pkce).json

    times = [jose.peek(each["id_token"])[1]["auth_time"] for each in (first, body)]
    assert times[1] >= times[0]
    assert error_of(_aged(client, app_client)) == "login_required"


def _aged(client: FlaskClient, app: App) -> Any:
    with unit_of_work():
        session().execute(update(BrowserSession).values(authenticated_at=now() - timedelta(seconds=30)))
    return ask(client, app, max_age="1", prompt="none")


def test_max_age_10000(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    fapi.tokens(client, app_client, citizen)

    assert world.code_of(ask(client, app_client, max_age="10000", prompt="none"))


@pytest.mark.parametrize("max_age", ["-1", "1.5", "x", "١", "9" * 12])
def test_malformed_max_age_is_refused(client: FlaskClient, app_client: App, max_age: str) -> None:
    assert error_of(ask(client, app_client, max_age=max_age)) == "invalid_request"


def test_id_token_hint(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    hint = fapi.tokens(client, app_client, citizen)["id_token"]
    assert world.code_of(ask(client, app_client, prompt="none", id_token_hint=hint))

    with unit_of_work():
        other = world.new_citizen()
    world.log_in(client, other.login_name)

    assert error_of(ask(client, app_client, prompt="none", id_token_hint=hint)) == "login_required"
    assert ask(client, app_client, id_token_hint=hint).headers["Location"].startswith("/login?")


def test_login_hint_and_ui_locales_reach_the_log_in_page(client: FlaskClient, app_client: App) -> None:
    to_log_in = ask(client, app_client, login_hint="lin", ui_locales="en")

    told = world.answered(to_log_in)
    assert (told["login_hint"], told["ui_locales"]) == ("lin", "en")


def test_acr_values_step_up(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    fapi.tokens(client, app_client, citizen)
    assert world.code_of(ask(client, app_client, prompt="none", acr_values="urn:unknown ial4.aal1"))

    to_log_in = ask(client, app_client, acr_values="ial4.aal2")

    told = world.answered(to_log_in)
    assert told["acr"] == "ial4.aal2"
    world.log_in(client, citizen.login_name)  # a password alone, as before
    assert error_of(client.get(told["return_to"])) == "unmet_authentication_requirements"
    with unit_of_work():
        session().execute(update(BrowserSession).values(authentication_level=2))
    assert world.code_of(client.get(told["return_to"]))
    assert error_of(ask(client, app_client, acr_values="ial5.aal1")) == "unmet_authentication_requirements"
    assert error_of(ask(client, app_client, acr_values="ial5.aal1", prompt="none")) == "login_required"


@pytest.mark.parametrize("how", ["get", "post-header", "post-body"])
def test_userinfo(client: FlaskClient, citizen: Citizen, app_client: App, how: str) -> None:
    body = fapi.tokens(client, app_client, citizen, scope="openid profile phone")
    stranger, token = client.application.test_client(), body["access_token"]

    answer = {
        "get": lambda: stranger.get("/oauth2/userinfo", headers=world.bearer(token)),
        "post-header": lambda: stranger.post("/oauth2/userinfo", headers=world.bearer(token)),
        "post-body": lambda: stranger.post("/oauth2/userinfo", data={"access_token": token}),
    }[how]()

    assert answer.json["sub"] == jose.peek(body["id_token"])[1]["sub"]
    assert (answer.json["name"], answer.json["phone_number_tail"]) == ("陈**", "1234")


def test_userinfo_gives_what_the_scopes_say(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    for scope, members in (("openid", {"sub"}), ("openid phone", {"sub", "phone_number_tail"})):
        token = fapi.tokens(client, app_client, citizen, scope=scope)["access_token"]
        assert set(fapi.read(client, app_client, token).json) == members


def test_token_in_body_works_at_userinfo_only_and_not_twice(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    token = fapi.tokens(client, app_client, citizen)["access_token"]
    stranger = client.application.test_client()

    assert stranger.post("/api/identity/me", data={"access_token": token}).status_code in (401, 405)
    both = stranger.post("/oauth2/userinfo", data={"access_token": token}, headers=world.bearer(token))
    assert both.status_code == 401
    assert stranger.get(f"/oauth2/userinfo?access_token={token}").status_code == 401


def test_bound_token_in_the_body_is_refused(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        app = fapi.new_fapi()
    token = fapi.tokens(client, app, citizen)["access_token"]

    assert client.application.test_client().post("/oauth2/userinfo", data={"access_token": token}).status_code == 401


def test_clients_of_one_sector_know_a_person_by_one_id(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        apps = [fapi.new_app(sector=sector) for sector in ("bank", "bank", "clinic", None)]

    bodies = [fapi.tokens(client, app, citizen) for app in apps]

    subs = [jose.peek(body["id_token"])[1]["sub"] for body in bodies]
    assert subs[0] == subs[1]
    assert len(set(subs)) == 3
    for app, body, sub in zip(apps, bodies, subs, strict=True):
        assert fapi.read(client, app, body["access_token"]).json["sub"] == sub


def test_ensure_post_request_succeeds(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    fapi.tokens(client, app_client, citizen)

    sent = client.post("/oauth2/authorize", data=fapi.request_params(app_client, Pkce.fresh()))

    assert sent.status_code == 303
    assert world.code_of(client.get(sent.headers["Location"]))


@pytest.mark.parametrize("response_type", ["token", "id_token", "code id_token", "code token", "none", ""])
def test_response_type_missing_or_other_is_refused(client: FlaskClient, app_client: App, response_type: str) -> None:
    assert error_of(ask(client, app_client, response_type=response_type)) == "unsupported_response_type"


def test_request_object_is_refused(client: FlaskClient, app_client: App) -> None:
    assert error_of(ask(client, app_client, request="e30.e30.")) == "request_not_supported"


def test_foreign_request_uri_is_never_fetched(client: FlaskClient, app_client: App) -> None:
    answer = ask(client, app_client, request_uri="https://evil.test/request.jwt")

    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def test_baseline_client_may_push_its_request(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    pkce = Pkce.fresh()
    pushed = fapi.push(client, app_client, pkce).json
    assert 60 <= pushed["expires_in"] <= 90
    world.log_in(client, citizen.login_name)

    query = f"client_id={app_client.id}&request_uri={pushed['request_uri']}"

    code = world.code_of(world.approve(client, query))
    assert fapi.redeem(client, app_client, code, pkce).status_code == 200


def test_server_rotate_keys(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    before = fapi.tokens(client, app_client, citizen)
    published = {key["kid"] for key in client.get("/oauth2/jwks").json["keys"]}
    with unit_of_work():
        session().execute(update(SigningKey).values(created_at=now() - timedelta(hours=25)))
        rotated = keys.rotate_all()

    after = fapi.tokens(client, app_client, citizen)

    assert len(rotated) == 2
    assert set(rotated) <= published  # published ahead of use
    for name in ("id_token", "access_token"):
        kids = [jose.peek(body[name])[0]["kid"] for body in (before, after)]
        assert kids[0] != kids[1]
        assert kids[1] in rotated
    # What was signed before is good until it ends.
    assert fapi.read(client, app_client, before["access_token"]).status_code == 200
    assert world.code_of(ask(client, app_client, prompt="none", id_token_hint=before["id_token"]))


def test_access_token_is_never_signed_by_the_rsa_key(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    token = fapi.tokens(client, app_client, citizen)["access_token"]
    with unit_of_work():
        kid, key = keys.active("RS256")
    claims = jose.peek(token)[1]

    forged = jose.sign(claims, key, typ="at+jwt", header={"kid": kid})

    assert client.application.test_client().get("/oauth2/userinfo", headers=world.bearer(forged)).status_code == 401


def test_client_credentials(client: FlaskClient, app_client: App) -> None:
    answer = fapi.post(client, app_client, "/oauth2/token", grant_type="client_credentials", scope="introspect")

    claims = jose.peek(answer.json["access_token"])[1]
    assert (claims["kind"], claims["sub"], claims["client_id"]) == ("client", app_client.id, app_client.id)
    assert "refresh_token" not in answer.json
    assert "id_token" not in answer.json


def test_public_client_acts_not_for_itself(client: FlaskClient, work: UnitOfWork) -> None:
    with unit_of_work():
        app = fapi.new_app()

    answer = fapi.post(client, app, "/oauth2/token", grant_type="client_credentials")

    assert answer.json["error"] == "unauthorized_client"


def test_grant_that_is_not_registered_is_refused(client: FlaskClient, work: UnitOfWork) -> None:
    with unit_of_work():
        app = fapi.new_app("client_secret_basic", grant_types=["authorization_code"])

    answer = fapi.post(client, app, "/oauth2/token", grant_type="client_credentials")

    assert answer.json["error"] == "unauthorized_client"


def test_client_without_refreshing_gets_no_refresh_token(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        app = fapi.new_app("client_secret_basic", grant_types=["authorization_code"])

    assert "refresh_token" not in fapi.tokens(client, app, citizen)


def test_disabled_client_is_unknown_at_every_endpoint(client: FlaskClient, app_client: App) -> None:
    with unit_of_work():
        session().execute(update(Client).where(Client.id == app_client.id).values(state="disabled"))

    for path in ("/oauth2/token", "/oauth2/par", "/oauth2/introspect", "/oauth2/revoke"):
        answer = fapi.post(client, app_client, path, grant_type="client_credentials", token="x")
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client"), path


def test_ensure_request_with_unknown_parameter_succeeds(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    assert fapi.tokens(client, app_client, citizen, extra="foobar")["access_token"]


def test_ensure_request_without_nonce_or_state_succeeds(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    body = fapi.tokens(client, app_client, citizen, nonce=None, state=None)

    assert "nonce" not in jose.peek(body["id_token"])[1]


def test_redirect_uri_query_ok(client: FlaskClient, citizen: Citizen) -> None:
    with_query = world.CALLBACK + "?tenant=a%20b"
    with unit_of_work():
        app = fapi.new_app(redirect_uris=[with_query])
    world.log_in(client, citizen.login_name)

    answer = world.approve(client, fapi.query(client, app, Pkce.fresh(), redirect_uri=with_query))

    assert answer.headers["Location"].startswith(with_query + "&code=")


def test_refresh_token_rp_key_rotation(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        app = fapi.new_app("private_key_jwt")
    held = fapi.tokens(client, app, citizen)["refresh_token"]
    newer = jose.new_key()
    with unit_of_work():
        session().execute(update(ClientKey).where(ClientKey.client_id == app.id).values(revoked_at=now()))
        add(ClientKey(client_id=app.id, kid="k2", public_jwk=keys.public_members(newer)))

    assert fapi.refresh(client, app, held).json["error"] == "invalid_client"
    signed = fapi.assertion(app, key=newer, header={"kid": "k2"})
    form = {"client_assertion_type": fapi.ASSERTION_TYPE, "client_assertion": signed}
    answer = client.post("/oauth2/token", data={"grant_type": "refresh_token", "refresh_token": held, **form})
    assert answer.status_code == 200, answer.json
