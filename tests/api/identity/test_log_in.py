"""Citizens log in by plain forms, consent, and their client redeems one code."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.db import UnitOfWork, now, session, unit_of_work
from identity.accounts.service import disable_account
from identity.authenticators import guesses
from identity.oidc import jose
from identity.oidc.models import AuthorizationCode
from tests.api.identity import world
from tests.api.identity.world import Citizen, Pkce


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def app_client(work: UnitOfWork) -> str:
    return world.new_client()


def test_citizen_logs_in_consents_and_reads_the_own_profile(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    body = world.citizen_tokens(client, citizen, app_client)

    me = client.get("/api/identity/me", headers=world.bearer(body["access_token"]))
    assert me.status_code == 200, me.get_data(as_text=True)
    assert me.json["name"] == "陈**"
    assert me.json["mobile_tail"] == "1234"
    assert (me.json["proofing_level"], me.json["authentication_level"]) == (4, 1)
    assert citizen.person_id not in me.get_data(as_text=True)


def test_id_token_and_userinfo_name_the_same_person_to_the_client(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    body = world.citizen_tokens(client, citizen, app_client)

    _, identity = jose.peek(body["id_token"])
    info = client.get("/oauth2/userinfo", headers=world.bearer(body["access_token"]))
    assert identity["aud"] == app_client
    assert identity["nonce"] == "n-1"
    assert identity["iss"] == world.ISSUER
    assert info.json["sub"] == identity["sub"]
    assert identity["sub"] != jose.peek(body["access_token"])[1]["sub"]


def test_tokens_of_two_audiences_share_nothing_that_links_them(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    core = jose.peek(world.citizen_tokens(client, citizen, app_client)["access_token"])[1]
    body = world.citizen_tokens(client, citizen, app_client, resource=world.HEALTH, scope="health:read")
    health = jose.peek(body["access_token"])[1]

    for claim in ("sub", "sid", "jti", "aud"):
        assert core[claim] != health[claim]
    assert client.get("/api/identity/me", headers=world.bearer(body["access_token"])).status_code == 401


def test_answer_names_its_issuer_and_state(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    world.log_in(client, citizen.login_name)

    refused = world.answered(world.approve(client, world.request_of(app_client, Pkce.fresh()), decision="refuse"))

    assert refused == {"error": "access_denied", "state": "s-1", "iss": world.ISSUER}


def test_consent_is_asked_once(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    world.citizen_tokens(client, citizen, app_client)
    pkce = Pkce.fresh()

    again = client.get(f"/oauth2/authorize?{world.request_of(app_client, pkce)}")

    assert world.redeem(client, app_client, world.code_of(again), pkce).status_code == 200
    asked = client.get(f"/oauth2/authorize?{world.request_of(app_client, pkce, prompt='consent')}")
    assert asked.status_code == 200


def test_person_without_session_is_sent_to_log_in_and_back(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    start = client.get(f"/oauth2/authorize?{world.request_of(app_client, Pkce.fresh())}")
    assert start.status_code == 303
    assert start.headers["Location"].startswith("/login?return_to=%2Foauth2%2Fauthorize")
    page = client.get(start.headers["Location"]).get_data(as_text=True)

    assert 'name="return_to" value="/oauth2/authorize?' in page


@pytest.mark.parametrize("prompt", ["none"])
def test_prompt_none_without_session_is_answered_with_login_required(
    client: FlaskClient, app_client: str, prompt: str
) -> None:
    answer = client.get(f"/oauth2/authorize?{world.request_of(app_client, Pkce.fresh(), prompt=prompt)}")

    assert world.answered(answer)["error"] == "login_required"


def test_prompt_login_and_max_age_ask_for_a_fresh_log_in(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    world.log_in(client, citizen.login_name)

    for asked in ({"prompt": "login"}, {"max_age": "0"}):
        answer = client.get(f"/oauth2/authorize?{world.request_of(app_client, Pkce.fresh(), **asked)}")
        assert answer.headers["Location"].startswith("/login?")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "https://evil.test/callback",
        world.CALLBACK + "/",
        world.CALLBACK + "?x=1",
        world.CALLBACK + "#f",
        world.CALLBACK + "/..;/",
        world.CALLBACK.replace("8765", "8766"),
        world.CALLBACK.replace("127.0.0.1", "localhost"),
        world.CALLBACK.replace("http:", "https:"),
        world.CALLBACK.replace("127.0.0.1", "127.0.0.1@evil.test"),
        world.CALLBACK.replace("http://", "http://a@b@c@"),
        world.CALLBACK.upper(),
        "//evil.test",
        "javascript:alert(1)",
        " " + world.CALLBACK,
    ],
)
def test_unregistered_redirect_uri_gets_a_page_never_a_redirect(
    client: FlaskClient, citizen: Citizen, app_client: str, redirect_uri: str | None
) -> None:
    world.log_in(client, citizen.login_name)

    answer = client.get(f"/oauth2/authorize?{world.request_of(app_client, Pkce.fresh(), redirect_uri=redirect_uri)}")

    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_repeated_redirect_uri_gets_a_page(client: FlaskClient, app_client: str) -> None:
    query = world.request_of(app_client, Pkce.fresh()) + "&redirect_uri=https%3A%2F%2Fevil.test"

    answer = client.get(f"/oauth2/authorize?{query}")

    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize("client_id", [None, "client_unknown", "suxin-mobile\0"])
def test_unknown_client_gets_a_page(client: FlaskClient, app_client: str, client_id: str | None) -> None:
    answer = client.get(f"/oauth2/authorize?{world.request_of(app_client, Pkce.fresh(), client_id=client_id)}")

    assert answer.status_code in (400, 401)
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "a" * 44}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "e30."}, "request_not_supported"),
        ({"scope": "openid presence:verify"}, "invalid_scope"),
        ({"resource": "https://elsewhere.test"}, "invalid_target"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "١"}, "invalid_request"),
        ({"nonce": "n" * 256}, "invalid_request"),
    ],
)
def test_wrong_request_is_told_to_the_client(
    client: FlaskClient, app_client: str, changes: dict[str, Any], error: str
) -> None:
    answer = client.get(f"/oauth2/authorize?{world.request_of(app_client, Pkce.fresh(), **changes)}")

    assert world.answered(answer) == {"error": error, "state": "s-1", "iss": world.ISSUER}


def new_code(client: FlaskClient, citizen: Citizen, app_client: str) -> tuple[str, Pkce]:
    """Return a fresh code with what it was asked by."""
    world.log_in(client, citizen.login_name)
    pkce = Pkce.fresh()
    return world.code_of(world.approve(client, world.request_of(app_client, pkce))), pkce


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "v" * 43},
        {"code_verifier": "short"},
        {"code_verifier": "v" * 129},
        {"redirect_uri": "https://evil.test/callback"},
        {"code": "unknown"},
    ],
)
def test_code_is_refused_when_anything_differs(
    client: FlaskClient, citizen: Citizen, app_client: str, changes: dict[str, str]
) -> None:
    code, pkce = new_code(client, citizen, app_client)

    answer = world.redeem(client, app_client, code, pkce, **changes)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


def test_code_without_verifier_is_refused(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    code, pkce = new_code(client, citizen, app_client)

    answer = world.redeem(client, app_client, code, pkce, code_verifier=None)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_code_of_another_client_is_refused_and_stays_good(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    code, pkce = new_code(client, citizen, app_client)
    with unit_of_work():
        other = world.new_client()

    assert world.redeem(client, other, code, pkce).json["error"] == "invalid_grant"
    assert world.redeem(client, app_client, code, pkce).status_code == 200


def test_expired_code_is_refused(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    code, pkce = new_code(client, citizen, app_client)
    with unit_of_work():
        session().execute(update(AuthorizationCode).values(expires_at=now() - timedelta(seconds=1)))

    assert world.redeem(client, app_client, code, pkce).json["error"] == "invalid_grant"


def city_with_code(city: Flask) -> tuple[FlaskClient, str, str, Pkce]:
    """Return a client, its id, a fresh code and its verifier, on a city that really commits."""
    with city.app_context(), unit_of_work():
        citizen, app_client = world.new_citizen(), world.new_client()
    client = city.test_client()
    code, pkce = new_code(client, citizen, app_client)
    return client, app_client, code, pkce


def test_code_replay_withdraws_what_the_code_gave(clean_city: Flask) -> None:
    client, app_client, code, pkce = city_with_code(clean_city)
    token = world.redeem(client, app_client, code, pkce).json["access_token"]
    fresh = clean_city.test_client()
    assert fresh.get("/api/identity/me", headers=world.bearer(token)).status_code == 200

    assert world.redeem(client, app_client, code, pkce).json["error"] == "invalid_grant"

    assert fresh.get("/api/identity/me", headers=world.bearer(token)).status_code == 401


def test_of_parallel_redemptions_at_most_one_wins(clean_city: Flask) -> None:
    _, app_client, code, pkce = city_with_code(clean_city)

    def redeem(_: int) -> int:
        status: int = world.redeem(clean_city.test_client(), app_client, code, pkce).status_code
        return status

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(redeem, range(6)))

    assert answers.count(200) <= 1
    assert set(answers) <= {200, 400}


def test_disabled_account_stops_at_once(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    token = world.citizen_tokens(client, citizen, app_client)["access_token"]
    code, pkce = new_code_without_consent(client, app_client)

    with unit_of_work():
        disable_account(citizen.account_id)

    stranger = client.application.test_client()
    assert stranger.get("/api/identity/me", headers=world.bearer(token)).status_code == 401
    assert world.redeem(client, app_client, code, pkce).json["error"] == "invalid_grant"
    assert client.get("/api/identity/me").status_code == 401
    assert world.log_in(stranger, citizen.login_name).status_code == 401


def new_code_without_consent(client: FlaskClient, app_client: str) -> tuple[str, Pkce]:
    """Return a code by the consent given before."""
    pkce = Pkce.fresh()
    return world.code_of(client.get(f"/oauth2/authorize?{world.request_of(app_client, pkce)}")), pkce


def test_log_out_ends_the_session_and_its_tokens(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    token = world.citizen_tokens(client, citizen, app_client)["access_token"]
    page = client.get("/login").get_data(as_text=True)

    gone = client.post("/logout", data={"csrf_token": world.form_token(page)})

    assert gone.status_code == 303
    stranger = client.application.test_client()
    assert stranger.get("/api/identity/me", headers=world.bearer(token)).status_code == 401


def test_revoked_token_stops_at_once(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    token = world.citizen_tokens(client, citizen, app_client)["access_token"]

    answer = client.post("/oauth2/revoke", data={"client_id": app_client, "token": token})

    assert answer.status_code == 200
    stranger = client.application.test_client()
    assert stranger.get("/api/identity/me", headers=world.bearer(token)).status_code == 401
    assert client.post("/oauth2/revoke", data={"client_id": app_client, "token": "junk"}).status_code == 200


def test_another_client_cannot_revoke_a_token(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    token = world.citizen_tokens(client, citizen, app_client)["access_token"]
    with unit_of_work():
        other = world.new_client()

    client.post("/oauth2/revoke", data={"client_id": other, "token": token})

    assert client.get("/api/identity/me", headers=world.bearer(token)).status_code == 200


def test_wrong_password_and_unknown_name_get_one_answer(client: FlaskClient, citizen: Citizen) -> None:
    wrong = world.log_in(client, citizen.login_name, "not the password")
    unknown = world.log_in(client, "nobody-here", "not the password")

    assert wrong.status_code == unknown.status_code == 401
    assert world.form_token(wrong.get_data(as_text=True))
    assert _without_challenge(wrong) == _without_challenge(unknown)


def _without_challenge(answer: Any) -> str:
    # Every page carries a fresh passkey challenge, whoever asks.
    return re.sub(r'"challenge": "[\w-]+"', "", answer.get_data(as_text=True))


def test_guesses_are_limited_for_one_source_and_not_for_the_owner(client: FlaskClient, citizen: Citizen) -> None:
    for _ in range(guesses.PER_TARGET):
        assert world.log_in(client, citizen.login_name, "wrong").status_code == 401

    assert world.log_in(client, citizen.login_name).status_code == 429
    client.environ_base["REMOTE_ADDR"] = "10.1.2.3"
    assert world.log_in(client, citizen.login_name).status_code == 303


def test_parallel_guesses_gain_nothing(clean_city: Flask) -> None:
    with clean_city.app_context():

        def guess(_: int) -> bool:
            with clean_city.app_context():
                try:
                    guesses.admit("somebody", "10.9.9.9")
                except guesses.TooManyGuesses:
                    return False
                return True

        with ThreadPoolExecutor(8) as pool:
            admitted = sum(pool.map(guess, range(24)))

    assert admitted == guesses.PER_TARGET


def test_log_in_needs_the_form_we_gave(client: FlaskClient, citizen: Citizen) -> None:
    form = {"login_name": citizen.login_name, "password": world.PASSWORD}

    assert client.post("/login", data=form).status_code == 403
    client.get("/login")
    assert client.post("/login", data={**form, "csrf_token": "0" * 64}).status_code == 403


def test_consent_needs_the_form_we_gave(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    world.log_in(client, citizen.login_name)
    form = {"request": world.request_of(app_client, Pkce.fresh()), "decision": "approve", "csrf_token": "0" * 64}

    assert client.post("/oauth2/authorize", data=form).status_code == 403


@pytest.mark.parametrize(
    "target", ["https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nX: y", "/logout", ""]
)
def test_log_in_leads_only_to_our_own_pages(client: FlaskClient, citizen: Citizen, target: str) -> None:
    answer = world.log_in(client, citizen.login_name, return_to=target)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_session_is_new_after_log_in_and_http_only(client: FlaskClient, citizen: Citizen) -> None:
    client.set_cookie("suxin-session", "chosen-by-an-attacker", domain="localhost")

    answer = world.log_in(client, citizen.login_name)

    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "chosen-by-an-attacker" not in cookie


def test_own_pages_read_by_cookie(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        world.own_pages()
    world.log_in(client, citizen.login_name)

    assert client.get("/api/identity/me").json["name"] == "陈**"
    assert client.post("/oauth2/userinfo").status_code == 403


def test_activity_tells_who_used_my_data(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    token = world.citizen_tokens(client, citizen, app_client)["access_token"]

    answer = client.get("/api/identity/me/activity", headers={**world.bearer(token), "Accept-Language": "en"})

    told = {(item["words"], item["by"]) for item in answer.json["items"]}
    assert ("Logged in", "Yourself") in told
    assert ("Access given to an app", "Yourself") in told


def test_log_in_takes_as_long_for_an_unknown_name(client: FlaskClient, citizen: Citizen) -> None:
    world.log_in(client, "warm-up", "x")

    def seconds(name: str) -> float:
        # Processor time: what other processes do meanwhile is no difference between the names.
        began = time.process_time()
        world.log_in(client, name, "wrong")
        return time.process_time() - began

    known = min(seconds(citizen.login_name) for _ in range(2))
    unknown = min(seconds("nobody") for _ in range(2))
    assert 0.2 < known / unknown < 5
