"""A device without a keyboard gets its tokens once, after a person has typed its code elsewhere (RFC 8628)."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db import UnitOfWork, now, session, unit_of_work
from identity.accounts.service import disable_account
from identity.oidc import jose
from identity.oidc.decoupled import device, requests
from identity.oidc.models import Client, DecoupledRequest
from tests.api.identity import fapi, programs, world
from tests.api.identity.world import Citizen


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def screen(work: UnitOfWork) -> str:
    return programs.new_device_client()


def approved(client: FlaskClient, citizen: Citizen, screen: str, **more: Any) -> dict[str, Any]:
    """Return a device's answer whose code a person has typed and allowed."""
    answer: dict[str, Any] = programs.ask_device(client, screen, **more).json
    world.log_in(client, citizen.login_name)
    page = programs.type_code(client, answer["user_code"]).get_data(as_text=True)
    assert programs.decide(client, "/device/decision", page).status_code == 200
    return answer


def test_device_gets_tokens_after_the_person_allowed_it(client: FlaskClient, citizen: Citizen, screen: str) -> None:
    asked = programs.ask_device(client, screen)
    assert asked.status_code == 200
    assert asked.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", asked.json["user_code"])
    assert asked.json["verification_uri"] == f"{world.ISSUER}/device"
    code = asked.json["device_code"]
    assert programs.poll_device(client, screen, code).json["error"] == "authorization_pending"
    world.log_in(client, citizen.login_name)

    page = programs.type_code(client, asked.json["user_code"]).get_data(as_text=True)

    assert "社区大屏" in page
    assert asked.json["user_code"] in page
    assert "与您相同的网络" in page
    assert "查看您的脱敏资料和使用记录" in page
    assert "已同意" in programs.decide(client, "/device/decision", page).get_data(as_text=True)
    client.delete_cookie("suxin-session")
    tokens = programs.poll_device(client, screen, code)
    assert tokens.status_code == 200
    assert jose.peek(tokens.json["id_token"])[1]["aud"] == screen
    me = client.get("/api/identity/me", headers=world.bearer(tokens.json["access_token"]))
    assert me.json["name"] == "陈**"


@pytest.mark.parametrize("spoilt", [str.lower, lambda c: c.replace("-", " "), lambda c: f"  {c.replace('-', '')}."])
def test_code_may_be_typed_loosely(client: FlaskClient, citizen: Citizen, screen: str, spoilt: Any) -> None:
    code = programs.ask_device(client, screen).json["user_code"]
    world.log_in(client, citizen.login_name)

    assert programs.type_code(client, spoilt(code)).status_code == 200


def test_link_of_the_device_fills_the_code_in_and_still_asks(
    client: FlaskClient, citizen: Citizen, screen: str
) -> None:
    asked = programs.ask_device(client, screen).json
    path = asked["verification_uri_complete"].removeprefix(world.ISSUER)
    sent = client.get(path)
    assert sent.headers["Location"].startswith("/login?return_to=%2Fdevice%3Fuser_code%3D")
    world.log_in(client, citizen.login_name)

    page = client.get(path).get_data(as_text=True)

    assert f'value="{asked["user_code"]}"' in page
    assert programs.poll_device(client, screen, asked["device_code"]).json["error"] == "authorization_pending"


def test_refused_device_is_told_so(client: FlaskClient, citizen: Citizen, screen: str) -> None:
    asked = programs.ask_device(client, screen).json
    world.log_in(client, citizen.login_name)
    page = programs.type_code(client, asked["user_code"]).get_data(as_text=True)

    programs.decide(client, "/device/decision", page, "refuse")

    assert programs.poll_device(client, screen, asked["device_code"]).json["error"] == "access_denied"
    assert programs.decide(client, "/device/decision", page).status_code == 409
    assert programs.poll_device(client, screen, asked["device_code"]).json["error"] == "access_denied"


def test_code_works_once(client: FlaskClient, citizen: Citizen, screen: str) -> None:
    code = approved(client, citizen, screen)["device_code"]

    assert programs.poll_device(client, screen, code).status_code == 200
    assert programs.poll_device(client, screen, code).json["error"] == "invalid_grant"


def test_code_is_spent_although_the_answer_failed(clean_city: Flask) -> None:
    client = clean_city.test_client()
    with clean_city.app_context(), unit_of_work():
        citizen, screen = world.new_citizen(), programs.new_device_client()
    code = approved(client, citizen, screen)["device_code"]

    assert programs.poll_device(client, screen, code, scope="nothing:here").json["error"] == "invalid_scope"
    assert programs.poll_device(client, screen, code).json["error"] == "invalid_grant"


def test_hasty_polls_are_slowed_down(clean_city: Flask) -> None:
    client = clean_city.test_client()
    with clean_city.app_context(), unit_of_work():
        screen = programs.new_device_client()
    code = programs.ask_device(client, screen).json["device_code"]

    answers = [programs.poll_device(client, screen, code).json["error"] for _ in range(3)]

    assert answers == ["authorization_pending", "slow_down", "slow_down"]
    with clean_city.app_context(), unit_of_work():
        row = session().scalars(select(DecoupledRequest)).one()
        assert row.interval_seconds == 15
        session().execute(update(DecoupledRequest).values(polled_at=now() - timedelta(seconds=16)))
    assert programs.poll_device(client, screen, code).json["error"] == "authorization_pending"


def test_expired_code_is_told_so_and_cannot_be_typed(client: FlaskClient, citizen: Citizen, screen: str) -> None:
    asked = programs.ask_device(client, screen).json
    world.log_in(client, citizen.login_name)
    page = programs.type_code(client, asked["user_code"]).get_data(as_text=True)
    with unit_of_work():
        session().execute(update(DecoupledRequest).values(expires_at=now() - timedelta(seconds=1)))

    assert programs.poll_device(client, screen, asked["device_code"]).json["error"] == "expired_token"
    assert programs.type_code(client, asked["user_code"]).status_code == 404
    assert programs.decide(client, "/device/decision", page).status_code == 409


def test_code_of_another_client_is_refused_and_stays_good(client: FlaskClient, citizen: Citizen, screen: str) -> None:
    code = approved(client, citizen, screen)["device_code"]
    with unit_of_work():
        other = programs.new_device_client()

    assert programs.poll_device(client, other, code).json["error"] == "invalid_grant"
    assert programs.poll_device(client, screen, code).status_code == 200


@pytest.mark.parametrize("code", ["", "x", "x" * 5_000, "é", "' or 1=1 --"])
def test_unknown_device_code_is_refused(client: FlaskClient, screen: str, code: str) -> None:
    assert programs.poll_device(client, screen, code).json["error"] in ("invalid_grant", "invalid_request")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"client_id": "client_unknown"}, "invalid_client"),
        ({"client_id": ""}, "invalid_client"),
        ({"scope": "presence:verify"}, "invalid_scope"),
        ({"resource": "https://elsewhere.test"}, "invalid_target"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
    ],
)
def test_wrong_device_request_is_refused(client: FlaskClient, screen: str, more: dict[str, str], error: str) -> None:
    assert programs.ask_device(client, screen, **more).json["error"] == error


def test_client_without_the_grant_is_refused(client: FlaskClient, work: UnitOfWork) -> None:
    other = world.new_client()

    assert programs.ask_device(client, other).json["error"] == "unauthorized_client"
    assert programs.poll_device(client, other, "x" * 43).json["error"] == "unauthorized_client"


def test_guesses_of_codes_end_soon_even_between_right_ones(client: FlaskClient, citizen: Citizen, screen: str) -> None:
    world.log_in(client, citizen.login_name)
    right = programs.ask_device(client, screen).json["user_code"]

    answers = [programs.type_code(client, code).status_code for code in ("BBBB-BBBB", right) * 3]

    assert answers == [404, 200, 404, 200, 404, 429]


def test_person_without_session_is_sent_to_log_in(client: FlaskClient, screen: str) -> None:
    page = client.get("/login").get_data(as_text=True)
    form = {"csrf_token": world.form_token(page), "user_code": "BBBB-BBBB"}

    for path in ("/device", "/device/decision", "/approvals"):
        answer = client.post(path, data=form)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/login")


@pytest.mark.parametrize("path", ["/device", "/device/decision", "/approvals", "/oauth2/logout/decision"])
def test_form_of_another_site_is_refused(client: FlaskClient, citizen: Citizen, path: str) -> None:
    world.log_in(client, citizen.login_name)

    for token in ("", "0" * 64):
        answer = client.post(path, data={"csrf_token": token, "user_code": "BBBB-BBBB", "decision": "approve"})
        assert answer.status_code == 403


def test_disabled_client_and_account_stop_open_requests(client: FlaskClient, citizen: Citizen, screen: str) -> None:
    asked = approved(client, citizen, screen)
    second = programs.ask_device(client, screen).json
    page = programs.type_code(client, second["user_code"]).get_data(as_text=True)

    with unit_of_work():
        session().execute(update(Client).where(Client.id == screen).values(state="disabled"))
    assert programs.decide(client, "/device/decision", page).status_code == 409
    assert programs.type_code(client, second["user_code"]).status_code == 404
    with unit_of_work():
        session().execute(update(Client).where(Client.id == screen).values(state="active"))
        disable_account(citizen.account_id)

    assert programs.poll_device(client, screen, asked["device_code"]).json["error"] == "invalid_grant"


def test_logging_out_of_the_browser_leaves_the_device_logged_in(
    client: FlaskClient, citizen: Citizen, screen: str
) -> None:
    token = programs.poll_device(client, screen, approved(client, citizen, screen)["device_code"]).json["access_token"]
    page = client.get("/login").get_data(as_text=True)

    client.post("/logout", data={"csrf_token": world.form_token(page)})

    assert client.get("/api/identity/me", headers=world.bearer(token)).status_code == 200


def test_key_that_the_device_proves_binds_all_its_tokens(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        bound = fapi.new_app(dpop=True, grant_types=[programs.DEVICE, "refresh_token"])
    code = approved(client, citizen, bound.id)["device_code"]

    body = fapi.post(client, bound, "/oauth2/token", grant_type=programs.DEVICE, device_code=code).json

    assert body["token_type"] == "DPoP"
    assert client.get("/api/identity/me", headers=world.bearer(body["access_token"])).status_code == 401
    plain = {"grant_type": "refresh_token", "client_id": bound.id, "refresh_token": body["refresh_token"]}
    assert client.post("/oauth2/token", data=plain).json["error"] == "invalid_grant"
    assert fapi.refresh(client, bound, body["refresh_token"]).status_code == 200


def test_nothing_secret_is_kept_in_clear(client: FlaskClient, screen: str) -> None:
    asked = programs.ask_device(client, screen).json

    with unit_of_work():
        row = session().scalars(select(DecoupledRequest)).one()
    assert row.secret_hash == requests.secret_hash(asked["device_code"])
    assert device.typed(asked["user_code"]).encode() not in (row.user_code_index or b"")


def city_with_approved(city: Flask) -> tuple[str, str]:
    """Return a client and its approved code, on a city that really commits."""
    with city.app_context(), unit_of_work():
        citizen, screen = world.new_citizen(), programs.new_device_client()
    return screen, approved(city.test_client(), citizen, screen)["device_code"]


def winners(city: Flask, screen: str, code: str, times: int) -> int:
    """Return how many of so many polls at once get tokens."""
    statuses = programs.side_by_side(
        times, lambda _: int(programs.poll_device(city.test_client(), screen, code).status_code)
    )
    return statuses.count(200)


def test_of_parallel_polls_exactly_one_wins(clean_city: Flask) -> None:
    screen, code = city_with_approved(clean_city)

    assert winners(clean_city, screen, code, 6) == 1


def test_control_that_reads_before_it_writes_lets_two_polls_win(
    clean_city: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, code = city_with_approved(clean_city)
    both_have_read = Barrier(2, timeout=20)

    def read_then_write(secret: str, **_: str) -> str:
        with unit_of_work():
            found = session().scalars(
                select(DecoupledRequest).where(DecoupledRequest.secret_hash == requests.secret_hash(secret))
            )
            row = found.one()
            assert row.state == "approved"
            both_have_read.wait()
            row.state = "consumed"
        return str(row.grant_id)

    monkeypatch.setattr(sys.modules["identity.oidc.grants.device_code"], "collect", read_then_write)

    assert winners(clean_city, screen, code, 2) == 2


def test_of_parallel_decisions_one_counts(clean_city: Flask) -> None:
    with clean_city.app_context(), unit_of_work():
        citizen, screen = world.new_citizen(), programs.new_device_client()
    client = clean_city.test_client()
    asked = programs.ask_device(client, screen).json
    world.log_in(client, citizen.login_name)
    page = programs.type_code(client, asked["user_code"]).get_data(as_text=True)
    cookie = client.get_cookie("suxin-session")
    assert cookie is not None

    def answer(number: int) -> int:
        own = clean_city.test_client()
        own.set_cookie("suxin-session", cookie.value)
        decision = "approve" if number % 2 else "refuse"
        return int(programs.decide(own, "/device/decision", page, decision).status_code)

    assert sorted(programs.side_by_side(6, answer)) == [200] + [409] * 5
