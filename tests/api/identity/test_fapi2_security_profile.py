"""What the OpenID Foundation's modules `fapi2-security-profile-final-*` look at; names follow theirs."""

from __future__ import annotations

import time
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.db import UnitOfWork, now, session, unit_of_work
from identity.oidc import jose
from identity.oidc.clients import ASSERTION_TYPE
from identity.oidc.models import AuthorizationCode, AuthorizationGrant, Client, ClientKey, PushedRequest
from tests.api.identity import fapi, world
from tests.api.identity.fapi import App
from tests.api.identity.world import Citizen, Pkce


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def app_client(work: UnitOfWork) -> App:
    return fapi.new_fapi()


def test_happy_flow(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    body = fapi.tokens(client, app_client, citizen)

    assert body["token_type"] == "DPoP"
    claims = jose.peek(body["access_token"])[1]
    assert app_client.dpop is not None
    assert claims["cnf"] == {"jkt": app_client.dpop.thumbprint()}
    header, identity = jose.peek(body["id_token"])
    assert (header["alg"], identity["aud"], identity["nonce"]) == ("ES256", app_client.id, "n-1")
    info = fapi.read(client, app_client, body["access_token"])
    assert (info.status_code, info.json["sub"]) == (200, identity["sub"])
    assert "DPoP-Nonce" in info.headers


def test_refresh_token(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]

    for _ in range(3):
        answer = fapi.refresh(client, app_client, held)
        assert answer.status_code == 200, answer.json
        assert answer.json["refresh_token"] == held  # no rotation: the client's key holds it
        assert fapi.read(client, app_client, answer.json["access_token"]).status_code == 200


def test_refresh_token_of_another_client_is_refused(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]
    with unit_of_work():
        other = fapi.new_fapi()

    assert fapi.refresh(client, other, held).json["error"] == "invalid_grant"


def test_user_rejects_authentication(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    world.log_in(client, citizen.login_name)
    query = fapi.query(client, app_client, Pkce.fresh())

    refused = world.answered(world.approve(client, query, decision="refuse"))

    assert refused == {"error": "access_denied", "state": "s-1", "iss": world.ISSUER}
    assert client.get(f"/oauth2/authorize?{query}").status_code == 400


def test_ensure_holder_of_key_required(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    code, pkce = fapi.new_code(client, app_client, citizen)
    bare = App(app_client.id, app_client.method, key=app_client.key)

    answer = fapi.redeem(client, bare, code, pkce)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")


def test_token_of_another_key_is_refused_at_the_resource(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    token = fapi.tokens(client, app_client, citizen)["access_token"]

    for path in ("/oauth2/userinfo", "/api/identity/me"):
        assert fapi.read(client, app_client.bound(), token, path).status_code == 401
        assert client.get(path, headers=world.bearer(token)).status_code == 401
        assert client.get(path, headers={"Authorization": f"DPoP {token}"}).status_code == 401
        assert fapi.read(client, app_client, token, path).status_code == 200


def test_unbound_token_is_refused_as_dpop(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        plain = fapi.new_app()
    token = fapi.tokens(client, plain, citizen)["access_token"]

    assert fapi.read(client, plain.bound(), token).status_code == 401
    assert fapi.read(client, plain, token).status_code == 200


def test_ensure_authorization_code_is_bound_to_client(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    code, pkce = fapi.new_code(client, app_client, citizen)
    with unit_of_work():
        other = fapi.new_fapi()

    assert fapi.redeem(client, other, code, pkce).json["error"] == "invalid_grant"


def test_ensure_dpop_proof_at_par_binds_the_code(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    code, pkce = fapi.new_code(client, app_client, citizen)

    answer = fapi.redeem(client, App(app_client.id, app_client.method, key=app_client.key).bound(), code, pkce)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


def test_dpop_jkt_binds_the_code(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        plain, key = fapi.new_app(), jose.new_key()
    code, pkce = fapi.new_code(client, plain, citizen, dpop_jkt=key.thumbprint())

    assert fapi.redeem(client, plain.bound(), code, pkce).json["error"] == "invalid_grant"


def test_ensure_mismatched_dpop_jkt_fails(client: FlaskClient, app_client: App) -> None:
    answer = fapi.push(client, app_client, Pkce.fresh(), dpop_jkt=jose.new_key().thumbprint())

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("jkt", ["short", "x" * 42 + "!", "x" * 44])
def test_malformed_dpop_jkt_is_refused(client: FlaskClient, app_client: App, jkt: str) -> None:
    plain = App(app_client.id, app_client.method, key=app_client.key)

    assert fapi.push(client, plain, Pkce.fresh(), dpop_jkt=jkt).json["error"] == "invalid_request"


def test_ensure_pkce_code_verifier_required(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    code, pkce = fapi.new_code(client, app_client, citizen)

    assert fapi.redeem(client, app_client, code, pkce, code_verifier=None).json["error"] == "invalid_request"


def test_incorrect_pkce_code_verifier_rejected(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    code, _ = fapi.new_code(client, app_client, citizen)

    assert fapi.redeem(client, app_client, code, Pkce.fresh()).json["error"] == "invalid_grant"


def test_ensure_token_endpoint_fails_with_expired_auth_code(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    code, pkce = fapi.new_code(client, app_client, citizen)
    with unit_of_work():
        session().execute(update(AuthorizationCode).values(expires_at=now() - timedelta(seconds=1)))

    assert fapi.redeem(client, app_client, code, pkce).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [{"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"},
     {"code_challenge_method": None}, {"code_challenge": "x"}],
)  # fmt: skip
def test_par_ensure_pkce_required_and_plain_rejected(
    client: FlaskClient, app_client: App, changes: dict[str, Any]
) -> None:
    answer = fapi.push(client, app_client, Pkce.fresh(), **changes)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_par_attempt_reuse_request_uri(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    world.log_in(client, citizen.login_name)
    query = fapi.query(client, app_client, Pkce.fresh())
    assert [client.get(f"/oauth2/authorize?{query}").status_code for _ in range(3)] == [200, 200, 200]

    world.code_of(world.approve(client, query))

    again = client.get(f"/oauth2/authorize?{query}")
    assert (again.status_code, again.headers.get("Location")) == (400, None)


def test_par_attempt_to_use_expired_request_uri(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    world.log_in(client, citizen.login_name)
    query = fapi.query(client, app_client, Pkce.fresh())
    _expire_pushed()

    assert client.get(f"/oauth2/authorize?{query}").status_code == 400


def test_person_who_began_in_time_may_finish(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    query = fapi.query(client, app_client, Pkce.fresh())
    to_log_in = client.get(f"/oauth2/authorize?{query}")
    _expire_pushed()

    page = client.get(to_log_in.headers["Location"]).get_data(as_text=True)
    return_to = _hidden(page, "return_to")
    world.log_in(client, citizen.login_name)
    consent = client.get(return_to)

    assert consent.status_code == 200
    form = {"csrf_token": world.form_token(consent.get_data(as_text=True)), "decision": "approve",
            "request": _hidden(consent.get_data(as_text=True), "request")}  # fmt: skip
    assert world.code_of(client.post("/oauth2/authorize", data=form))


def test_par_attempt_to_use_request_uri_for_different_client(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    world.log_in(client, citizen.login_name)
    query = fapi.query(client, app_client, Pkce.fresh())
    with unit_of_work():
        other = fapi.new_fapi()

    answer = client.get(f"/oauth2/authorize?{query.replace(app_client.id, other.id)}")

    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def test_plain_authorization_request_of_a_fapi2_client_is_refused(client: FlaskClient, app_client: App) -> None:
    answer = client.get("/oauth2/authorize", query_string=fapi.request_params(app_client, Pkce.fresh()))

    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


@pytest.mark.parametrize(
    "aud",
    [[world.ISSUER], [world.ISSUER, "https://other.test"], f"{world.ISSUER}/oauth2/token", f"{world.ISSUER}/oauth2/par",
     f"{world.ISSUER}/", "https://evil.test", None, 1, {}],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/oauth2/par", "/oauth2/token"])
def test_par_test_array_as_audience_fails(client: FlaskClient, app_client: App, aud: Any, path: str) -> None:
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": fapi.assertion(app_client, aud=aud)}

    answer = client.post(path, data={"grant_type": "client_credentials", **form})

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_baseline_client_may_name_the_token_endpoint(client: FlaskClient, work: UnitOfWork) -> None:
    with unit_of_work():
        older = fapi.new_app("private_key_jwt")
    for aud in (world.ISSUER, f"{world.ISSUER}/oauth2/token", [f"{world.ISSUER}/oauth2/token"]):
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": fapi.assertion(older, aud=aud)}
        assert client.post("/oauth2/token", data={"grant_type": "client_credentials", **form}).status_code == 200


@pytest.mark.parametrize(("ahead", "status"), [(8, 200), (65, 401)])
def test_clock_of_the_client_may_run_a_little_ahead(
    client: FlaskClient, app_client: App, ahead: int, status: int
) -> None:
    moment = int(time.time()) + ahead
    signed = fapi.assertion(app_client, iat=moment, nbf=moment)
    assert app_client.dpop is not None

    answer = client.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed},
        headers={"DPoP": fapi.proof(client, app_client.dpop, "/oauth2/token")},
    )

    assert answer.status_code == status


def test_par_without_duplicate_parameters(client: FlaskClient, app_client: App) -> None:
    body = f"client_id={app_client.id}&client_id={app_client.id}&response_type=code"

    answer = client.post("/oauth2/par", data=body, content_type="application/x-www-form-urlencoded")

    assert answer.json["error"] == "invalid_request"


def test_request_uri_inside_a_pushed_request_is_refused(client: FlaskClient, app_client: App) -> None:
    first = fapi.push(client, app_client, Pkce.fresh()).json["request_uri"]

    assert fapi.push(client, app_client, Pkce.fresh(), request_uri=first).json["error"] == "invalid_request"


@pytest.mark.parametrize("redirect_uri", ["https://evil.test", world.CALLBACK + "/", None])
def test_unregistered_redirect_uri_is_refused_when_pushed(
    client: FlaskClient, app_client: App, redirect_uri: str | None
) -> None:
    answer = fapi.push(client, app_client, Pkce.fresh(), redirect_uri=redirect_uri)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_withdrawn_client_key_stops_at_once(client: FlaskClient, app_client: App) -> None:
    assert fapi.push(client, app_client, Pkce.fresh()).status_code == 201
    with unit_of_work():
        session().execute(update(ClientKey).where(ClientKey.client_id == app_client.id).values(revoked_at=now()))

    assert fapi.push(client, app_client, Pkce.fresh()).status_code == 401


def test_disabled_client_stops_at_once(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]
    query = fapi.query(client, app_client, Pkce.fresh())
    with unit_of_work():
        session().execute(update(Client).where(Client.id == app_client.id).values(state="disabled"))

    assert fapi.refresh(client, app_client, held).status_code == 401
    assert fapi.push(client, app_client, Pkce.fresh()).status_code == 401
    assert client.get(f"/oauth2/authorize?{query}").status_code == 401


def test_fapi2_client_never_gets_an_rs256_id_token(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    with unit_of_work():
        session().execute(update(Client).where(Client.id == app_client.id).values(id_token_alg="RS256"))

    body = fapi.tokens(client, app_client, citizen)

    assert jose.peek(body["id_token"])[0]["alg"] == "ES256"


def test_withdrawn_grant_gives_nothing_more(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]
    with unit_of_work():
        session().execute(update(AuthorizationGrant).values(revoked_at=now()))

    assert fapi.refresh(client, app_client, held).json["error"] == "invalid_grant"


def _expire_pushed() -> None:
    with unit_of_work():
        session().execute(update(PushedRequest).values(expires_at=now() - timedelta(seconds=1)))


def _hidden(page: str, name: str) -> str:
    # The page's own form comes after the one that chooses the language.
    return unescape(page.rsplit(f'name="{name}" value="', maxsplit=1)[-1].split('"', maxsplit=1)[0])
