"""A phone lets a screen in: once, by the number on the screen, at the phone's own level."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db import UnitOfWork, now, session, unit_of_work
from app.errors import DomainError
from identity.sessions import cross_device
from identity.sessions.models import BrowserSession, CrossDeviceLogIn
from identity.sessions.service import Live
from identity.sessions.where import Where
from tests.api.identity import ways, world
from tests.api.identity.authenticator import Phone
from tests.api.identity.world import Citizen


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen that shows a code."""

    browser: FlaskClient
    page: str

    @property
    def link(self) -> str:
        found = re.search(r"/account/qr/[\w-]+", self.page)
        assert found is not None
        return found.group()

    @property
    def number(self) -> str:
        found = re.search(r'class="number">(\d{3})<', self.page)
        assert found is not None
        return found.group(1)

    def go_on(self, **more: str) -> Any:
        """Press the screen's button."""
        form = {name: ways.hidden(self.page, name) for name in ("csrf_token", "return_to", "screen")}
        return self.browser.post("/login/qr/continue", data={**form, **more})

    def state(self) -> str:
        """Ask as the screen's script does."""
        form = {name: ways.hidden(self.page, name) for name in ("csrf_token", "screen")}
        found: str = self.browser.post("/login/qr/state", data=form).json["state"]
        return found


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    world.own_pages()
    return world.new_citizen()


@pytest.fixture
def phone(client: FlaskClient, citizen: Citizen) -> FlaskClient:
    world.log_in(client, citizen.login_name)
    return client


def show(app: Flask, source: str = "127.0.0.1", **more: str) -> Screen:
    """Let a new screen show a code."""
    browser, there = app.test_client(), {"REMOTE_ADDR": source}
    token = world.form_token(ways.text(browser.get("/login")))
    answer = browser.post("/login/qr", data={"csrf_token": token, **more}, environ_overrides=there)
    return Screen(browser, ways.text(answer))


def answer(phone: FlaskClient, screen: Screen, number: str, decision: str = "approve") -> Any:
    """Answer on the phone."""
    page = ways.text(phone.get(screen.link))
    token = world.form_token(page) if "csrf_token" in page else world.form_token(ways.text(phone.get("/account/")))
    return phone.post(screen.link, data={"csrf_token": token, "number": number, "decision": decision})


def is_in(browser: FlaskClient) -> bool:
    """Tell whether a browser is logged in."""
    return browser.get("/account/").status_code == 200


def test_the_number_on_the_screen_lets_it_in_once(app: Flask, phone: FlaskClient, citizen: Citizen) -> None:
    screen = show(app, return_to="/account/sessions")
    assert (screen.state(), screen.go_on().status_code, is_in(screen.browser)) == ("waiting", 409, False)

    assert answer(phone, screen, screen.number).status_code == 200

    assert screen.state() == "approved"
    done = screen.go_on()
    assert (done.status_code, done.headers["Location"]) == (303, "/account/sessions")
    assert is_in(screen.browser)
    assert ways.level(screen.browser) == 1
    assert "identity.device-log-in" in ways.told(citizen.person_id)
    assert answer(phone, screen, screen.number).status_code == 409


def test_a_screen_let_in_is_treated_as_shared(app: Flask, phone: FlaskClient) -> None:
    screen = show(app)
    answer(phone, screen, screen.number)
    screen.go_on()

    with unit_of_work(read_only=True):
        held = session().scalars(select(BrowserSession).where(BrowserSession.methods.contains(["qr"]))).one()

    assert held.shared


def test_one_wrong_number_ends_it(app: Flask, phone: FlaskClient) -> None:
    screen = show(app)
    wrong = str((int(screen.number) + 1) % 1000).zfill(3)

    assert answer(phone, screen, wrong).status_code == 409
    assert answer(phone, screen, screen.number).status_code == 409

    assert screen.state() == "over"
    assert screen.go_on().status_code == 409
    assert not is_in(screen.browser)


@pytest.mark.parametrize("number", ["", "1", "1234", "abc", "-1", "٣٣٣"])
def test_what_is_no_number_lets_nobody_in(app: Flask, phone: FlaskClient, number: str) -> None:
    screen = show(app)

    assert answer(phone, screen, number).status_code == 409
    assert not is_in(screen.browser)


def test_a_refused_screen_stays_out(app: Flask, phone: FlaskClient) -> None:
    screen = show(app)

    assert answer(phone, screen, screen.number, decision="refuse").status_code == 200

    assert screen.go_on().status_code == 409
    assert not is_in(screen.browser)


def test_the_phone_warns_of_a_screen_elsewhere(app: Flask, phone: FlaskClient) -> None:
    near, far = show(app), show(app, source="198.51.100.9")

    assert "在同一网络" in ways.text(phone.get(near.link))
    told = ways.text(phone.get(far.link))
    assert "不在同一网络" in told
    assert "198.51.*.*" in told


def test_the_code_alone_is_worth_nothing_without_a_phone_that_is_logged_in(app: Flask, phone: FlaskClient) -> None:
    screen = show(app)

    stranger = app.test_client()

    assert stranger.get(screen.link).status_code == 303
    assert screen.state() == "waiting"


def test_only_the_screen_that_asked_is_let_in(app: Flask, phone: FlaskClient) -> None:
    screen, thief = show(app), show(app)
    answer(phone, screen, screen.number)

    stolen = Screen(thief.browser, screen.page.replace(ways.hidden(screen.page, "csrf_token"),
                                                       ways.hidden(thief.page, "csrf_token")))  # fmt: skip

    assert stolen.go_on().status_code == 409
    assert not is_in(thief.browser)


def test_a_code_ends_after_two_minutes(app: Flask, phone: FlaskClient) -> None:
    screen, approved = show(app), show(app)
    answer(phone, approved, approved.number)
    with unit_of_work():
        assert session().scalars(select(CrossDeviceLogIn.expires_at)).first() <= now() + timedelta(seconds=120)
        session().execute(update(CrossDeviceLogIn).values(expires_at=now() - timedelta(seconds=1)))

    assert phone.get(screen.link).status_code == 409
    assert approved.go_on().status_code == 409


def test_a_phone_of_a_lower_level_cannot_lift_a_screen(app: Flask, phone: FlaskClient) -> None:
    screen = show(app, acr="aal2")
    answer(phone, screen, screen.number)

    assert screen.go_on(acr="aal2").status_code == 409
    assert not is_in(screen.browser)


def test_a_phone_by_passkey_lets_a_screen_in_at_its_own_level(app: Flask, phone: FlaskClient) -> None:
    key = Phone()
    ways.add_passkey(phone, key)
    ways.by_passkey(phone, key)
    screen = show(app, acr="aal2")
    answer(phone, screen, screen.number)

    assert screen.go_on(acr="aal2").status_code == 303
    assert ways.level(screen.browser) == 2


def test_guesses_at_numbers_are_limited_by_phone(app: Flask, phone: FlaskClient) -> None:
    screens = [show(app) for _ in range(6)]

    statuses = [answer(phone, each, "x").status_code for each in screens]

    assert statuses == [409] * 5 + [429]


def _let_in(city: Flask, turn: Callable[..., bool] | None, monkeypatch: pytest.MonkeyPatch) -> int:
    with city.app_context(), unit_of_work():
        citizen = world.new_citizen()
        shown = cross_device.show(browser=b"b" * 32, where=Where("192.0.2.1"))
    live = Live(
        id="session_x", account_id=citizen.account_id, person_id=citizen.person_id, login_name="x", proofing_level=4,
        authentication_level=1, methods=[], authenticated_at=now(), last_seen_at=now(), shared=False, assisted_by=None,
        acting_for=None, acting_evidence=None, staff_of=None,
    )  # fmt: skip
    with city.app_context(), unit_of_work():
        cross_device.approve(shown.link, shown.number, who=live, phone=Where("192.0.2.1"))
    if turn is not None:
        monkeypatch.setattr(cross_device, "_turn", turn)
    barrier = Barrier(6, timeout=20)

    def enter(_: int) -> int:
        with city.app_context(), unit_of_work():
            barrier.wait()
            try:
                cross_device.enter(shown.screen, browser=b"b" * 32, where=Where("192.0.2.1"))
            except DomainError:
                return 0
            return 1

    with ThreadPoolExecutor(6) as pool:
        return sum(pool.map(enter, range(6)))


def test_of_parallel_entries_by_one_consent_one_succeeds(clean_city: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _let_in(clean_city, None, monkeypatch) == 1


def test_the_trial_finds_a_consent_that_is_read_before_it_is_used(
    clean_city: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = Barrier(6, timeout=20)

    def broken(held_id: str, state: str, values: dict[str, object]) -> bool:
        together.wait()
        with unit_of_work():
            session().execute(update(CrossDeviceLogIn).where(CrossDeviceLogIn.id == held_id).values(**values))
        return True

    assert _let_in(clean_city, broken, monkeypatch) > 1
