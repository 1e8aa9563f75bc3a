"""Passkeys: registered and used with real signatures; what is forged, copied or used twice opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db import UnitOfWork, session, unit_of_work
from identity.authenticators.models import Authenticator
from identity.authenticators.passkeys import ceremony, challenge, log_in
from identity.oidc import replay
from identity.oidc.models import Client
from tests.api.identity import ways, world
from tests.api.identity.authenticator import USER_PRESENT, USER_VERIFIED, Phone, text_of
from tests.api.identity.world import Citizen


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    world.own_pages()
    return world.new_citizen()


@pytest.fixture
def phone(client: FlaskClient, citizen: Citizen) -> Phone:
    made = Phone()
    world.log_in(client, citizen.login_name)
    assert ways.add_passkey(client, made).status_code == 303
    return made


def test_passkey_alone_logs_in_at_level_two(app: Flask, client: FlaskClient, phone: Phone) -> None:
    fresh = app.test_client()

    answer = ways.by_passkey(fresh, phone, return_to="/account/")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/")
    assert ways.level(fresh) == 2


def test_several_passkeys_open_one_account(app: Flask, client: FlaskClient, phone: Phone) -> None:
    second = Phone()
    ways.by_passkey(client, phone)
    assert ways.add_passkey(client, second, name="备用").status_code == 303

    assert ways.by_passkey(app.test_client(), second).status_code == 303
    assert ways.by_passkey(app.test_client(), phone).status_code == 303
    assert "备用" in ways.text(client.get("/account/authenticators"))


def test_passkey_is_excluded_from_a_second_registration(client: FlaskClient, phone: Phone) -> None:
    ways.by_passkey(client, phone)
    offered = ways.options(ways.text(client.get("/account/authenticators")))

    assert [each["id"] for each in offered["excludeCredentials"]] == [text_of(phone.credential_id)]
    assert ways.add_passkey(client, phone).status_code == 409


LIES: list[tuple[str, Callable[[Phone], object], dict[str, Any]]] = [
    ("another site's origin", lambda phone: setattr(phone, "origin", "http://city.test.evil.test"), {}),
    ("another scheme", lambda phone: setattr(phone, "origin", "https://city.test"), {}),
    ("another port", lambda phone: setattr(phone, "origin", "http://city.test:8080"), {}),
    ("another relying party", lambda phone: setattr(phone, "rp_id", "evil.test"), {}),
    ("no user verification", lambda phone: setattr(phone, "flags", USER_PRESENT), {}),
    ("nobody present", lambda phone: setattr(phone, "flags", USER_VERIFIED), {}),
    ("another key", lambda phone: setattr(phone, "key", Phone().key), {}),
    ("an unknown credential", lambda phone: setattr(phone, "credential_id", b"x" * 32), {}),
    ("another person's handle", lambda phone: setattr(phone, "user_handle", text_of(b"account_other")), {}),
    ("a registration instead of a log-in", lambda phone: None, {"type": "webauthn.create"}),
    ("a challenge of its own", lambda phone: None, {"challenge": text_of(b"c" * 54)}),
    ("an empty challenge", lambda phone: None, {"challenge": ""}),
]


@pytest.mark.parametrize(("bend", "changes"), [each[1:] for each in LIES], ids=[each[0] for each in LIES])
def test_a_lying_passkey_opens_nothing(
    app: Flask, client: FlaskClient, phone: Phone, bend: Callable[[Phone], object], changes: dict[str, Any]
) -> None:
    fresh = app.test_client()
    page = ways.text(fresh.get("/login"))
    options = ways.options(page)
    bend(phone)

    answer = ways.answer_passkey(fresh, page, phone.get(options, **changes))

    assert answer.status_code in (401, 409)
    assert fresh.get("/account/").status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        {"signature": "AAAA"}, {"signature": ""}, {"signature": None}, {"signature": 7}, {"clientDataJSON": "e30"},
        {"clientDataJSON": "!"}, {"authenticatorData": ""}, {"authenticatorData": "AA"},
        {"authenticatorData": "A" * 400}, {"userHandle": 5}, {"clientDataJSON": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_malformed_answer_is_refused_in_words(
    app: Flask, client: FlaskClient, phone: Phone, change: dict[str, Any]
) -> None:
    fresh = app.test_client()
    page = ways.text(fresh.get("/login"))
    credential = phone.get(ways.options(page))
    credential["response"] |= change

    answer = ways.answer_passkey(fresh, page, credential)

    assert answer.status_code in (401, 409)
    assert 'role="alert"' in ways.text(answer)


@pytest.mark.parametrize(
    "sent", ["", "null", "[]", "{}", '{"response": []}', '{"rawId": 1, "response": {}}', "[" * 3000, "x" * 15_000]
)
def test_what_is_no_credential_is_refused(client: FlaskClient, sent: str) -> None:
    page = ways.text(client.get("/login"))

    assert ways.answer_passkey(client, page, sent).status_code in (401, 409)


def test_an_answer_works_once(app: Flask, client: FlaskClient, phone: Phone) -> None:
    fresh = app.test_client()
    page = ways.text(fresh.get("/login"))
    credential = phone.get(ways.options(page))
    assert ways.answer_passkey(fresh, page, credential).status_code == 303
    fresh.post("/logout", data={"csrf_token": world.form_token(ways.text(fresh.get("/account/")))})

    replayed = ways.answer_passkey(fresh, ways.text(fresh.get("/login")), credential)

    assert replayed.status_code == 409


def test_a_challenge_of_one_browser_is_worth_nothing_in_another(app: Flask, client: FlaskClient, phone: Phone) -> None:
    theirs, mine = app.test_client(), app.test_client()
    options = ways.options(ways.text(theirs.get("/login")))

    answer = ways.answer_passkey(mine, ways.text(mine.get("/login")), phone.get(options))

    assert answer.status_code == 409


def test_a_challenge_ends_after_five_minutes(
    app: Flask, client: FlaskClient, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = app.test_client()
    page = ways.text(fresh.get("/login"))
    real = challenge.time.time
    monkeypatch.setattr(challenge.time, "time", lambda: real() + challenge.SECONDS + 1)

    assert ways.answer_passkey(fresh, page, phone.get(ways.options(page))).status_code == 409


def test_a_copied_passkey_is_stopped_and_its_owner_told(
    app: Flask, client: FlaskClient, phone: Phone, citizen: Citizen
) -> None:
    clone = phone.copy()
    assert ways.by_passkey(app.test_client(), phone).status_code == 303

    assert ways.by_passkey(app.test_client(), clone).status_code == 401
    assert ways.by_passkey(app.test_client(), phone).status_code == 401
    world.log_in(client, citizen.login_name)
    assert "可能被复制" in ways.text(client.get("/account/authenticators"))
    assert "identity.passkey-suspect" in ways.told(citizen.person_id)


def test_passkeys_that_never_count_go_on_working(app: Flask, client: FlaskClient, citizen: Citizen) -> None:
    synced = Phone(count=-1)
    world.log_in(client, citizen.login_name)
    ways.add_passkey(client, synced)

    for _ in range(2):
        synced.count = -1
        assert ways.by_passkey(app.test_client(), synced).status_code == 303


def test_a_stopped_account_is_closed_to_its_passkey(
    app: Flask, client: FlaskClient, phone: Phone, citizen: Citizen
) -> None:
    from identity.accounts.service import disable_account

    with unit_of_work():
        disable_account(citizen.account_id)

    assert ways.by_passkey(app.test_client(), phone).status_code == 401


def test_guesses_at_one_passkey_are_limited_by_source(app: Flask, client: FlaskClient, phone: Phone) -> None:
    fresh = app.test_client()
    forged = Phone(credential_id=phone.credential_id)

    answers = [ways.by_passkey(fresh, forged).status_code for _ in range(6)]

    assert answers == [401] * 5 + [429]


def test_one_credential_id_belongs_to_one_account(app: Flask, client: FlaskClient, phone: Phone) -> None:
    with unit_of_work():
        other = world.new_citizen()
    thief = app.test_client()
    world.log_in(thief, other.login_name)

    assert ways.add_passkey(thief, Phone(credential_id=phone.credential_id)).status_code == 409


def _race(city: Flask, act: Callable[[FlaskClient], int], browsers: list[FlaskClient]) -> list[int]:
    barrier = Barrier(len(browsers), timeout=20)

    def one(browser: FlaskClient) -> int:
        barrier.wait()
        return act(browser)

    with ThreadPoolExecutor(len(browsers)) as pool:
        return list(pool.map(one, browsers))


def _answers_of_one_assertion(city: Flask) -> list[int]:
    with city.app_context(), unit_of_work():
        world.own_pages()
        citizen = world.new_citizen()
    phone, owner = Phone(count=-1), city.test_client()
    world.log_in(owner, citizen.login_name)
    assert ways.add_passkey(owner, phone).status_code == 303
    phone.count = -1  # a synced passkey: only the challenge can tell a replay
    first = city.test_client()
    page = ways.text(first.get("/login"))
    credential = phone.get(ways.options(page))
    cookie = first.get_cookie("suxin-form", domain="city.test") or first.get_cookie("suxin-form")
    assert cookie is not None
    browsers = [city.test_client() for _ in range(5)]
    for each in browsers:
        each.set_cookie("suxin-form", cookie.value)
    return _race(city, lambda browser: ways.answer_passkey(browser, page, credential).status_code, browsers)


def test_of_parallel_uses_of_one_answer_one_succeeds(clean_city: Flask) -> None:
    answers = _answers_of_one_assertion(clean_city)

    assert sorted(answers) == [303] + [409] * 4


def test_the_trial_finds_a_challenge_that_is_read_before_it_is_written(
    clean_city: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, real = Barrier(5, timeout=20), challenge.spend

    def broken(asked: bytes, use: str, *, browser: bytes, guesses: tuple[Any, ...] = ()) -> None:
        if use != log_in.USE:
            real(asked, use, browser=browser)
            return
        with unit_of_work():
            used = challenge.hashlib.sha256(asked).digest()
            seen = session().scalar(select(replay.ReplayKey.namespace).where(replay.ReplayKey.value == used))
        together.wait()
        if seen is not None:
            raise challenge.ChallengeUnfit

    monkeypatch.setattr(challenge, "spend", broken)

    assert _answers_of_one_assertion(clean_city).count(303) > 1


def test_challenges_are_remembered_only_until_they_would_end_anyway(client: FlaskClient, phone: Phone) -> None:
    with unit_of_work():
        kept = session().scalars(
            select(replay.ReplayKey.expires_at).where(replay.ReplayKey.namespace == challenge.NAMESPACE)
        ).all()  # fmt: skip

    assert kept
    assert all(each <= datetime.now(UTC) + timedelta(seconds=challenge.SECONDS) for each in kept)


def test_the_app_adds_renames_and_removes_a_passkey(
    client: FlaskClient, citizen: Citizen, sign_in: Callable[..., dict[str, str]]
) -> None:
    who = sign_in(
        actor=citizen.person_id, party=citizen.person_id, subject=citizen.person_id, client="app-1",
        scopes=["identity:authenticators"], authentication_level=1,
    )  # fmt: skip
    phone = Phone()
    path = "/api/identity/me/authenticators"
    options = client.post(f"{path}/passkey-options", headers=who).json["options"]
    body = {"name": "手机", "credential": phone.create(options)}

    made = client.post(f"{path}/passkeys", json=body, headers=who)
    again = client.post(f"{path}/passkeys", json=body, headers=who)

    assert (made.status_code, made.json["kind"], made.json["name"]) == (201, "passkey", "手机")
    assert again.status_code == 403  # the account is stronger now: adding takes level 2
    strong = sign_in(
        actor=citizen.person_id, party=citizen.person_id, subject=citizen.person_id, client="app-1",
        scopes=["identity:authenticators"], authentication_level=2,
    )  # fmt: skip
    assert client.post(f"{path}/passkeys", json=body, headers=strong).status_code == 409
    one = f"{path}/{made.json['id']}"
    assert client.patch(one, json={"name": "新手机"}, headers=strong).json["name"] == "新手机"
    listed = client.get(path, headers=who).json["items"]
    assert [(each["kind"], each["name"]) for each in listed] == [("password", None), ("passkey", "新手机")]
    assert client.delete(one, headers=strong).status_code == 204
    last = client.delete(f"{path}/{listed[0]['id']}", headers=strong)
    assert (last.status_code, last.json["type"].rpartition("/")[2]) == (409, "last-way-in")


def test_nobody_elses_way_in_can_be_touched(
    client: FlaskClient, citizen: Citizen, phone: Phone, sign_in: Callable[..., dict[str, str]]
) -> None:
    with unit_of_work():
        other = world.new_citizen()
        theirs = session().scalars(select(Authenticator.id).where(Authenticator.account_id == citizen.account_id)).all()
    who = sign_in(
        actor=other.person_id, party=other.person_id, scopes=["identity:authenticators"], authentication_level=2
    )

    for each in theirs:
        path = f"/api/identity/me/authenticators/{each}"
        assert client.delete(path, headers=who).status_code == 404
        assert client.patch(path, json={"name": "x"}, headers=who).status_code == 404


def test_who_acts_for_another_never_touches_the_ways_in(
    client: FlaskClient, citizen: Citizen, sign_in: Callable[..., dict[str, str]]
) -> None:
    who = sign_in(
        actor="person_guardian", party=citizen.person_id, scopes=["identity:authenticators"], authentication_level=2
    )

    answer = client.post("/api/identity/me/authenticators/passkey-options", headers=who)

    assert answer.status_code == 403


def test_a_disabled_own_client_leaves_no_scope(client: FlaskClient, phone: Phone) -> None:
    with unit_of_work():
        session().execute(update(Client).values(state="disabled"))
    ways.by_passkey(client, phone)

    assert client.get("/api/identity/me").status_code == 403


def test_base64_that_is_none_raises_what_is_caught() -> None:
    for bad in ("!", "a b", "=="):
        with pytest.raises((ValueError, TypeError)):
            ceremony.unpadded(bad)
