"""What the OpenID Foundation's modules `fapi2-security-profile-final-*` look at; names follow theirs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import update

from app.db import UnitOfWork, add, now, session, unit_of_work
from identity.oidc import jose
from identity.oidc.clients import ASSERTION_TYPE
from identity.oidc.keys import public_members
from identity.oidc.models import AuthorizationCode, AuthorizationGrant, Client, ClientKey, PushedRequest
from tests.api.identity import fapi, world
from tests.api.identity.fapi import App
from tests.api.identity.test_terminal_token import forged
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


def test_access_token_type_header_case_sensitivity(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    token = fapi.tokens(client, app_client, citizen)["access_token"]
    assert app_client.dpop is not None
    for scheme in ("dpop", "DPOP", "DPoP"):
        proof = fapi.proof(client, app_client.dpop, "/oauth2/userinfo", method="GET", token=token)
        headers = {"Authorization": f"{scheme} {token}", "DPoP": proof}
        assert client.get("/oauth2/userinfo", headers=headers).status_code == 200


def test_ensure_authorization_request_with_64_char_nonce_success(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    body = fapi.tokens(client, app_client, citizen, nonce="n" * 64)

    assert jose.peek(body["id_token"])[1]["nonce"] == "n" * 64


def test_ensure_authorization_request_with_long_nonce(client: FlaskClient, app_client: App) -> None:
    assert fapi.push(client, app_client, Pkce.fresh(), nonce="n" * 384).json["error"] == "invalid_request"


def test_ensure_authorization_request_with_long_state(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    world.log_in(client, citizen.login_name)
    query = fapi.query(client, app_client, Pkce.fresh(), state="s" * 384)

    assert world.answered(world.approve(client, query))["state"] == "s" * 384


def test_ensure_authorization_request_without_nonce_or_state_success(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    body = fapi.tokens(client, app_client, citizen, nonce=None, state=None)

    assert "nonce" not in jose.peek(body["id_token"])[1]


def test_ensure_other_scope_order_succeeds(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    assert fapi.tokens(client, app_client, citizen, scope="profile openid")["scope"] == "openid profile"


@pytest.mark.parametrize("response_type", ["token", "code id_token", "id_token", None])
def test_other_response_type_is_refused_when_pushed(
    client: FlaskClient, app_client: App, response_type: str | None
) -> None:
    answer = fapi.push(client, app_client, Pkce.fresh(), response_type=response_type)

    assert (answer.status_code, answer.json["error"]) == (400, "unsupported_response_type")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_par_attempt_invalid_http_method(client: FlaskClient, method: str) -> None:
    assert client.open("/oauth2/par", method=method).status_code == 405


def test_ensure_client_assertion_in_token_endpoint(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    code, pkce = fapi.new_code(client, app_client, citizen)

    answer = fapi.redeem(client, App(app_client.id, dpop=app_client.dpop), code, pkce)

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def _rs256(app: App) -> str:
    key = RSAKey.generate_key(2048, {"alg": "RS256"}, private=True)
    claims = jose.peek(fapi.assertion(app))[1]
    return jose.sign(claims, key, typ="JWT", header={"kid": "k1"})


PRESENT = time.time
WRONG_ASSERTIONS: dict[str, Callable[[App], str]] = {
    "5 minutes in the past": lambda a: fapi.assertion(a, iat=int(PRESENT()) - 360, exp=int(PRESENT()) - 300),
    "no sub": lambda a: fapi.assertion(a, sub=None),
    "sub is a list": lambda a: fapi.assertion(a, sub=[a.id]),
    "sub is another's": lambda a: fapi.assertion(a, sub="client_other"),
    "sub is empty": lambda a: fapi.assertion(a, sub=""),
    "no iss": lambda a: fapi.assertion(a, iss=None),
    "iss is another's": lambda a: fapi.assertion(a, iss="client_other"),
    "no exp": lambda a: fapi.assertion(a, exp=None),
    "exp far ahead": lambda a: fapi.assertion(a, exp=int(PRESENT()) + 3600),
    "no iat": lambda a: fapi.assertion(a, iat=None),
    "no jti": lambda a: fapi.assertion(a, jti=None),
    "RS256": _rs256,
    "unknown kid": lambda a: fapi.assertion(a, header={"kid": "k2"}),
    "kid is a number": lambda a: fapi.assertion(a, header={"kid": 1}),
    "stranger's key": lambda a: fapi.assertion(a, key=jose.new_key()),
    "stranger's key in jwk": lambda a: fapi.assertion(
        a, key=(own := jose.new_key()), header={"jwk": public_members(own)}
    ),
    "unknown crit": lambda a: fapi.assertion(a, header={"crit": ["exp"]}),
    "alg none": lambda a: forged(jose.peek(fapi.assertion(a))[1], {"alg": "none", "kid": "k1"}),
    "typ of a proof": lambda a: fapi.assertion(a, header={"typ": "dpop+jwt"}),
    "signed by the proof's key": lambda a: fapi.assertion(a, key=a.dpop),
}


@pytest.mark.parametrize("make", WRONG_ASSERTIONS.values(), ids=WRONG_ASSERTIONS.keys())
@pytest.mark.parametrize("path", ["/oauth2/par", "/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"])
def test_wrong_client_assertion_is_refused(
    client: FlaskClient, app_client: App, path: str, make: Callable[[App], str]
) -> None:
    form = {"grant_type": "client_credentials", "token": "x", "client_assertion_type": ASSERTION_TYPE}

    answer = client.post(path, data=form | {"client_assertion": make(app_client)})

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_client_may_sign_with_ps256(client: FlaskClient, work: UnitOfWork) -> None:
    key = RSAKey.generate_key(2048, {"alg": "PS256"}, private=True)
    with unit_of_work():
        app = fapi.new_fapi()
        add(ClientKey(client_id=app.id, kid="k2", algorithm="PS256", public_jwk=public_members(key)))
    claims = jose.peek(fapi.assertion(app))[1]

    def ask(signed: str) -> int:
        form = {"token": "x", "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
        status: int = client.post("/oauth2/introspect", data=form).status_code
        return status

    assert ask(jose.sign(claims, key, typ="JWT", header={"kid": "k2"})) == 200
    # The algorithm belongs to the key: the same key under another one is refused.
    other = RSAKey.import_key({**key.as_dict(private=True), "alg": "RS256"})
    assert ask(jose.sign(claims | {"jti": "another-one"}, other, typ="JWT", header={"kid": "k2"})) == 401
