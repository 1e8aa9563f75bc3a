"""Sessions end when and where their owner says, and never outlive what they stand on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db import UnitOfWork, now, session, unit_of_work
from identity.oidc.models import AuthorizationGrant
from identity.sessions import service
from identity.sessions.ended import session_ended
from identity.sessions.models import BrowserSession
from identity.sessions.where import Where
from tests.api.identity import ways, world
from tests.api.identity.world import Citizen

EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Safari/537.36 Edg/130"
)
WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Mobile MicroMessenger/8.0.50"


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    world.own_pages()
    return world.new_citizen()


def logged_in(app: Flask, citizen: Citizen, **more: str) -> FlaskClient:
    """Return another browser in which the citizen is logged in."""
    browser = app.test_client()
    assert world.log_in(browser, citizen.login_name, **more).status_code == 303
    return browser


def is_in(browser: FlaskClient) -> bool:
    """Tell whether a browser is logged in."""
    return browser.get("/account/").status_code == 200


def rows(citizen: Citizen) -> list[BrowserSession]:
    """Return a citizen's live sessions."""
    with unit_of_work(read_only=True):
        return service.of_person(citizen.person_id)


def age(**values: object) -> None:
    """Let all sessions be older than they are."""
    with unit_of_work():
        session().execute(update(BrowserSession).values(**values))


@pytest.mark.parametrize(
    ("source", "user_agent", "place", "agent"),
    [
        ("203.0.113.7", EDGE, "203.0.*.*", "Edge · Windows"),
        ("2001:db8:1::7", WECHAT, "2001:0db8:*", "WeChat · iPhone"),
        ("", "", "", ""),
        ("not an address", "curl/8", "", ""),
        ("10.0.0.1", "<script>alert(1)</script> Firefox", "10.0.*.*", "Firefox"),
    ],
)
def test_a_browser_is_told_in_words(source: str, user_agent: str, place: str, agent: str) -> None:
    found = Where(source, user_agent)

    assert (found.place, found.agent) == (place, agent)


def test_devices_are_listed_with_place_and_browser(app: Flask, client: FlaskClient, citizen: Citizen) -> None:
    phone = app.test_client()
    page = ways.text(phone.get("/login", headers={"User-Agent": WECHAT}))
    form = {"csrf_token": world.form_token(page), "login_name": citizen.login_name, "password": world.PASSWORD}
    phone.post("/login", data=form, headers={"User-Agent": WECHAT}, environ_overrides={"REMOTE_ADDR": "203.0.113.7"})
    world.log_in(client, citizen.login_name)

    listed = ways.text(client.get("/account/sessions"))

    assert "WeChat · iPhone" in listed
    assert "203.0.*.*" in listed
    assert "203.0.113.7" not in listed
    assert listed.count("本机") >= 1


def test_one_device_is_logged_out_from_another(app: Flask, client: FlaskClient, citizen: Citizen) -> None:
    other, mine = logged_in(app, citizen), logged_in(app, citizen)
    theirs = rows(citizen)[-1].id
    page = ways.text(mine.get("/account/sessions"))

    answer = mine.post(f"/account/sessions/{theirs}", data={"csrf_token": world.form_token(page)})

    assert answer.status_code == 303
    assert (is_in(other), is_in(mine)) == (False, True)


@pytest.mark.parametrize(("which", "left"), [("others", (True, False)), ("all", (False, False))])
def test_devices_are_logged_out_together(
    app: Flask, client: FlaskClient, citizen: Citizen, which: str, left: tuple[bool, bool]
) -> None:
    mine, other = logged_in(app, citizen), logged_in(app, citizen)
    page = ways.text(mine.get("/account/sessions"))

    mine.post("/account/sessions", data={"csrf_token": world.form_token(page), "which": which})

    assert (is_in(mine), is_in(other)) == left


def test_nobody_ends_another_persons_session(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: Callable[..., dict[str, str]]
) -> None:
    with unit_of_work():
        stranger = world.new_citizen()
    victim, thief = logged_in(app, citizen), logged_in(app, stranger)
    target = rows(citizen)[0].id
    token = world.form_token(ways.text(thief.get("/account/sessions")))
    bearer = sign_in(actor=stranger.person_id, party=stranger.person_id, scopes=["identity:sessions"])

    thief.post(f"/account/sessions/{target}", data={"csrf_token": token})
    answer = client.delete(f"/api/identity/me/sessions/{target}", headers=bearer)

    assert answer.status_code == 404
    assert answer.json["type"] == client.delete("/api/identity/me/sessions/none", headers=bearer).json["type"]
    assert is_in(victim)


def test_the_app_lists_and_ends_sessions(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: Callable[..., dict[str, str]]
) -> None:
    first, second = logged_in(app, citizen), logged_in(app, citizen)
    bearer = sign_in(actor=citizen.person_id, party=citizen.person_id, scopes=["identity:sessions"])

    listed = client.get("/api/identity/me/sessions", headers=bearer).json["items"]
    assert [(each["methods"], each["assisted"], each["shared"]) for each in listed] == [
        (["password"], False, False)
    ] * 2
    assert client.delete(f"/api/identity/me/sessions/{listed[0]['id']}", headers=bearer).status_code == 204
    assert [is_in(first), is_in(second)].count(True) == 1
    assert client.delete("/api/identity/me/sessions", headers=bearer).status_code == 204
    assert not is_in(first)
    assert not is_in(second)


def test_ending_a_session_ends_its_tokens_and_tells_listeners_once(
    app: Flask, client: FlaskClient, citizen: Citizen
) -> None:
    heard: list[str] = []
    with app.app_context():
        session_ended.bind(app, "test", heard.append)
    try:
        with unit_of_work():
            app_client = world.new_client()
        world.citizen_tokens(client, citizen, app_client)
        held = rows(citizen)[0].id
        with unit_of_work():
            assert service.end_own(held, person_id=citizen.person_id)
            assert not service.end_own(held, person_id=citizen.person_id)
            grants = session().scalars(select(AuthorizationGrant).where(AuthorizationGrant.session_id == held)).all()
            session().expire_all()
            assert grants
            assert all(each.revoked_at is not None for each in grants)
    finally:
        app.extensions["suxin.ports"][session_ended.name].pop("test")

    assert heard == [held]


def test_a_planted_session_is_never_taken_over(app: Flask, client: FlaskClient, citizen: Citizen) -> None:
    client.set_cookie("suxin-session", "planted-by-a-thief")
    world.log_in(client, citizen.login_name)

    thief = app.test_client()
    thief.set_cookie("suxin-session", "planted-by-a-thief")
    assert is_in(client)
    assert not is_in(thief)


def test_a_thiefs_own_session_in_the_victims_browser_ends_at_log_in(
    app: Flask, client: FlaskClient, citizen: Citizen
) -> None:
    with unit_of_work():
        stranger = world.new_citizen()
    thief = logged_in(app, stranger)
    planted = thief.get_cookie("suxin-session")
    assert planted is not None
    client.set_cookie("suxin-session", planted.value)

    assert world.log_in(client, citizen.login_name).status_code == 303

    assert is_in(client)
    assert not is_in(thief)
    assert rows(stranger) == []


def test_logging_in_again_rotates_the_secret_and_keeps_the_session(
    app: Flask, client: FlaskClient, citizen: Citizen
) -> None:
    world.log_in(client, citizen.login_name)
    before, held = client.get_cookie("suxin-session"), rows(citizen)[0].id

    world.log_in(client, citizen.login_name)

    after = client.get_cookie("suxin-session")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert [each.id for each in rows(citizen)] == [held]
    old = app.test_client()
    old.set_cookie("suxin-session", before.value)
    assert not is_in(old)


@pytest.mark.parametrize(
    "values",
    [{"idle_until": now() - timedelta(seconds=1)}, {"expires_at": now() - timedelta(seconds=1)}, {"ended_at": now()}],
    ids=["idle", "absolute", "ended"],
)
def test_a_session_over_its_limit_is_over(client: FlaskClient, citizen: Citizen, values: dict[str, object]) -> None:
    world.log_in(client, citizen.login_name)
    assert is_in(client)

    age(**values)

    assert not is_in(client)
    assert rows(citizen) == []


def test_use_keeps_a_session_alive_but_never_past_its_end(client: FlaskClient, citizen: Citizen) -> None:
    world.log_in(client, citizen.login_name)
    end = rows(citizen)[0].expires_at
    age(last_seen_at=now() - timedelta(minutes=50), idle_until=now() + timedelta(minutes=10))

    assert is_in(client)

    held = rows(citizen)[0]
    assert held.idle_until > now() + timedelta(minutes=55)
    assert held.expires_at == end


def test_a_shared_device_forgets_within_minutes(app: Flask, client: FlaskClient, citizen: Citizen) -> None:
    logged_in(app, citizen, shared="yes")

    held = rows(citizen)[0]

    assert held.shared
    assert held.idle_until <= now() + service.SHARED_IDLE
    assert held.expires_at <= now() + service.SHARED_LIFETIME


@pytest.mark.parametrize(
    "path",
    [
        "/account/sessions", "/account/sessions/session_x", "/account/authenticators/passkeys",
        "/account/authenticators/app", "/account/authenticators/password", "/account/authenticators/authn_x",
        "/account/recoveries/ticket_x", "/account/qr/x", "/login/passkey", "/login/second", "/login/second/code",
        "/login/code", "/login/code/check", "/login/qr", "/login/qr/continue", "/login/qr/state", "/login/ticket",
        "/recover", "/logout",
    ],
)  # fmt: skip
@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"], ids=str)
def test_every_form_must_be_ours(client: FlaskClient, citizen: Citizen, path: str, token: str | None) -> None:
    world.log_in(client, citizen.login_name)
    sent = {"which": "all", **({} if token is None else {"csrf_token": token})}

    answer = client.post(path, data=sent)

    assert answer.status_code == 403
    assert is_in(client)


@pytest.mark.parametrize("path", ["/account/", "/account/sessions", "/account/authenticators",
                                  "/account/authenticators/app", "/account/authenticators/password",
                                  "/account/qr/x"])  # fmt: skip
def test_account_pages_lead_a_stranger_to_log_in_and_back(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 303
    assert world.answered(answer)["return_to"] == path


@pytest.mark.parametrize(
    "path", ["/login", "/login/code", "/login/ticket", "/recover", "/account/", "/account/sessions"]
)
def test_pages_are_kept_by_no_cache_and_framed_by_nobody(client: FlaskClient, citizen: Citizen, path: str) -> None:
    world.log_in(client, citizen.login_name)

    answer = client.get(path)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
