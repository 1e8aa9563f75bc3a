"""Log-in and account pages in a real browser: passkeys by a virtual authenticator, everything else without scripts."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b32decode
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import City
from tests.browser.passkeys import Authenticator
from tests.browser.people import log_in
from tests.browser.test_access import DISPLAYS, TOO_SMALL, faults, too_wide

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.optional
Opened = Callable[..., "BrowserContext"]
SAFETY = "/account/authenticators"


@pytest.fixture
def signed_in(city: City, opened: Opened) -> Callable[..., Page]:
    """Return how to get a page on which a demo person is logged in."""

    def make(key: str, **choices: object) -> Page:
        page = opened(**choices).new_page()
        log_in(page, city, key)
        return page

    return make


def test_a_passkey_is_added_used_and_removed(city: City, opened: Opened, signed_in: Callable[..., Page]) -> None:
    page = signed_in(person(city, 1))
    device = Authenticator(page)
    page.goto(SAFETY)
    page.locator("#name").fill("我的手机")
    page.locator("#passkey-add button").click()
    page.get_by_role("heading", name="我的手机").wait_for()
    assert len(device.held()) == 1

    elsewhere = opened().new_page()
    same = Authenticator(elsewhere)
    same.take(device.held()[0])
    elsewhere.goto(f"/login?return_to={SAFETY}")
    elsewhere.locator("#passkey button").click()
    elsewhere.wait_for_url(f"**{SAFETY}")
    elsewhere.get_by_role("button", name="移除 通行密钥").click()
    elsewhere.get_by_role("heading", name="我的手机").wait_for(state="detached")

    assert elsewhere.locator(".devices li").count() == 1


def test_an_unrecognised_finger_is_told_and_the_password_remains(city: City, opened: Opened) -> None:
    page = opened().new_page()
    Authenticator(page).refuse()
    page.goto("/login")

    page.locator("#passkey button").click()
    page.locator("#passkey-failed").wait_for()

    assert page.locator("#password").is_visible()


def test_an_app_is_set_up_and_asked_for_without_scripts(city: City, opened: Opened) -> None:
    page = opened(scripts=False).new_page()
    key = person(city, 2)
    log_in(page, city, key)
    page.goto(f"{SAFETY}/app")
    secret = b32decode(page.locator("main code").inner_text().replace(" ", ""))
    page.locator("#code").fill(code(secret))
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"**{SAFETY}")

    fresh = opened(scripts=False).new_page()
    known = next(each for each in city.world["persons"] if each["key"] == key)
    fresh.goto("/login?return_to=/account/")
    fresh.locator("#login_name").fill(known["login_name"])
    fresh.locator("#password").fill(known["password"])
    fresh.locator("#by-password button[type=submit]").click()
    fresh.locator("#code").fill("000000")
    fresh.locator("main button[type=submit]").click()
    assert fresh.title().startswith("错误：")
    # The step of the set-up is used; the next one is taken early, as clocks allow.
    fresh.locator("#code").fill(code(secret, later=1))
    fresh.locator("main button[type=submit]").click()
    fresh.wait_for_url("**/account/")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_phone_lets_a_screen_in(city: City, opened: Opened, signed_in: Callable[..., Page], scripts: bool) -> None:
    phone, screen = signed_in(person(city, 3)), opened(scripts=scripts).new_page()
    screen.goto("/login?return_to=/account/")
    screen.get_by_role("button", name="用已登录的手机扫码登录").click()
    number = screen.locator(".number").inner_text()
    screen.locator("summary").last.click()
    link = screen.locator("#qr-link").inner_text()

    phone.goto(link)
    phone.locator("#number").fill(number)
    phone.get_by_role("button", name="让它登录").click()
    phone.locator(".notice.good").wait_for()
    if not scripts:
        screen.locator("#qr-continue button").click()
    screen.wait_for_url("**/account/")

    phone.goto("/account/sessions")
    assert phone.locator(".devices li").count() >= 2


def test_another_device_is_logged_out_from_here(city: City, opened: Opened) -> None:
    mine, other = opened(scripts=False).new_page(), opened(scripts=False).new_page()
    for each in (other, mine):
        log_in(each, city, person(city, 4))

    mine.goto("/account/sessions")
    mine.get_by_role("button", name="退出其他所有设备").click()
    other.goto("/account/")

    assert "/login" in other.url
    assert mine.locator(".devices li").count() == 1


def shown(page: Page, city: City) -> Iterator[str]:
    """Bring every log-in and account page up, one after another, and name it."""
    for path in ("/login", "/login?acr=aal2", "/login/code", "/login/ticket", "/recover"):
        page.goto(path)
        yield path
    page.goto("/login")
    open_more(page)
    page.locator("form[action='/login/qr'] button").click()
    page.locator("#qr-continue").wait_for()
    yield "/login/qr"
    page.goto("/login/code")
    page.locator("#login_name").fill(f"nobody-{time.time_ns()}")
    page.locator("main button[type=submit]").click()
    yield "/login/code sent"
    page.locator("#code").fill("000000")
    page.locator("main button[type=submit]").click()
    page.locator(".error-summary").wait_for()
    yield "/login/code refused"
    log_in(page, city, person(city, 5))
    for path in ("/account/", SAFETY, f"{SAFETY}/app", f"{SAFETY}/password", "/account/sessions", "/account/qr/none"):
        page.goto(path)
        yield path


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda display: "-".join(display.values()) or "plain")
def test_log_in_and_account_pages_are_open_to_everyone(city: City, opened: Opened, display: dict[str, str]) -> None:
    page = opened(**display).new_page()

    found = {name: faults(page) + page.evaluate(TOO_SMALL, 44) for name in shown(page, city)}

    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(("width", "choices"), [(320, {}), (375, {"mode": "elder", "language": "en"})])
def test_log_in_and_account_pages_reflow(city: City, opened: Opened, width: int, choices: dict[str, str]) -> None:
    page = opened(**choices).new_page()
    page.set_viewport_size({"width": width, "height": 600})

    assert [name for name in shown(page, city) if too_wide(page)] == []


def test_elder_mode_keeps_other_ways_behind_one_entry(opened: Opened) -> None:
    page = opened(mode="elder").new_page()
    page.goto("/login")

    assert not page.get_by_role("button", name="用已登录的手机扫码登录").is_visible()
    open_more(page)
    assert page.get_by_role("button", name="用已登录的手机扫码登录").is_visible()


def test_log_in_works_by_keyboard_alone(city: City, opened: Opened) -> None:
    page = opened().new_page()
    known = next(each for each in city.world["persons"] if each["key"] == person(city, 5))
    page.goto("/login?return_to=/account/")

    page.locator("#login_name").focus()
    page.keyboard.type(known["login_name"])
    page.keyboard.press("Tab")
    page.keyboard.type(known["password"])
    page.keyboard.press("Enter")

    page.wait_for_url("**/account/")


def open_more(page: Page) -> None:
    """Open the other ways where they are folded."""
    more = page.locator("details.more")
    if more.get_attribute("open") is None:
        more.locator("summary").click()


def person(city: City, number: int) -> str:
    """Return a demo person whom no other test here uses."""
    others = [each["key"] for each in city.world["persons"] if each["key"] != city.customer["key"]]
    found: str = others[number % len(others)]
    return found


def code(secret: bytes, *, later: int = 0) -> str:
    """Return what an authenticator app shows (RFC 6238)."""
    digest = hmac.new(secret, (int(time.time()) // 30 + later).to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    return str((int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF) % 10**6).zfill(6)
