"""Acting for a ward, helping at a window, logging in with the province: in a real browser, without scripts too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from demo import families, offices
from demo import world as invented
from tests.browser.conftest import City
from tests.browser.people import log_in
from tests.browser.test_access import DISPLAYS, TOO_SMALL, faults, too_wide

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.optional
Opened = Callable[..., "BrowserContext"]
GUARDIAN, WARD, LEADER, PRINCIPAL, OFFICIAL, HELPED = "su", "suxiao", "yun", "qian", "yan", "zheng"
OWN = ("acting-for", "family", "mandates", "organisations", "proofing", "work", "activity", "consents")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_guardian_acts_for_a_ward_and_the_pages_say_so(city: City, opened: Opened, scripts: bool) -> None:
    page = opened(scripts=scripts).new_page()
    log_in(page, city, GUARDIAN)
    choose_ward(page)

    page.goto("/")
    assert page.locator("header").get_by_text("正在代办").is_visible()
    assert not page.get_by_text("我的身份").is_visible()
    page.goto(authorize(city))
    assert families.load().ward(WARD).mobile[-4:] in page.locator("main .notice").inner_text()
    # Changing one's mind leads back to the very question, now for oneself.
    page.locator("main .notice a").click()
    page.locator("main form button").first.click()
    page.locator("button[value=approve]").wait_for()
    assert page.locator("main .notice").count() == 0


def test_an_official_helps_a_person_at_the_window(city: City, opened: Opened) -> None:
    desk, screen, home = (opened(scripts=False).new_page() for _ in range(3))
    log_in(desk, city, OFFICIAL)
    to_work(desk)

    made = desk.request.post(
        "/api/identity/tickets",
        data={"kind": "log-in", "reason": "代办社保查询", "resident_id": invented.load().citizen(HELPED).resident_id},
        headers={"X-CSRF-Token": token_of(desk), "Idempotency-Key": "window-ticket-of-today"},
    )
    assert made.status == 201, made.text()
    screen.goto("/login/ticket?return_to=/account/")
    screen.locator("#ticket").fill(made.json()["code"])
    screen.locator("main button[type=submit]").click()
    screen.wait_for_url("**/account/")
    log_in(home, city, HELPED)
    home.goto("/account/sessions")

    assert "窗口" in home.locator(".devices").inner_text()


def test_a_person_logs_in_with_the_simulated_province(city: City, opened: Opened) -> None:
    page = opened().new_page()
    page.goto("/login?return_to=/account/sessions")
    page.get_by_role("link", name="省政务服务账号").click()
    page.get_by_role("button", name=invented.load().citizen("feng").name, exact=True).click()

    page.wait_for_url(f"{city.base}/account/sessions")
    assert page.locator(".devices li").count() == 1


def test_a_refusal_at_the_province_leads_back_with_words(city: City, opened: Opened) -> None:
    page = opened().new_page()
    page.goto("/login")
    page.get_by_role("link", name="省政务服务账号").click()
    page.get_by_role("button", name="Refuse").click()

    page.locator(".error-summary").wait_for()
    assert page.locator("#login_name").is_visible()


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda display: "-".join(display.values()) or "plain")
def test_pages_about_others_are_open_to_everyone(city: City, opened: Opened, display: dict[str, str]) -> None:
    page = opened(**display).new_page()

    found = {name: faults(page) + page.evaluate(TOO_SMALL, 44) for name in shown(page, city)}

    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(("width", "choices"), [(320, {}), (375, {"mode": "elder", "language": "en"})])
def test_pages_about_others_reflow(city: City, opened: Opened, width: int, choices: dict[str, str]) -> None:
    page = opened(**choices).new_page()
    page.set_viewport_size({"width": width, "height": 600})

    assert [name for name in shown(page, city) if too_wide(page)] == []


def shown(page: Page, city: City) -> Iterator[str]:
    """Bring the pages about others and of officials up, one after another, and name them."""
    page.goto("/register")
    yield "/register"
    for key in (GUARDIAN, LEADER, PRINCIPAL):
        page.context.clear_cookies(name="suxin-session")
        log_in(page, city, key)
        for name in OWN:
            page.goto(f"/account/{name}")
            yield f"{key} {name}"
    page.goto(authorize(city))
    yield "consent"
    page.context.clear_cookies(name="suxin-session")
    log_in(page, city, GUARDIAN)
    choose_ward(page)
    for path in ("/", "/account/acting-for", authorize(city)):
        page.goto(path)
        yield f"ward {path.partition('?')[0]}"
    page.context.clear_cookies(name="suxin-session")
    log_in(page, city, OFFICIAL)
    to_work(page)
    for path in ("/", "/account/work", "/account/", "/account/sessions"):
        page.goto(path)
        yield f"official {path}"


def choose_ward(page: Page) -> None:
    """Choose the youngest ward, the page to come back to being the start page."""
    page.goto("/account/acting-for?return_to=/")
    page.locator("main form button").filter(has_text=families.load().ward(WARD).mobile[-4:]).click()
    page.wait_for_url(re.compile(r"/$"))


def to_work(page: Page) -> None:
    """Let the official act for the office."""
    page.goto("/account/work")
    page.locator("main form button").filter(has_text=offices.load()[0].name).click()
    page.locator("main .badge.ok").wait_for()


def token_of(page: Page) -> str:
    """Return the form token of the page that is open."""
    found: str | None = page.locator("main input[name=csrf_token]").first.get_attribute("value")
    assert found
    return found


def authorize(city: City) -> str:
    """Return where the demo's mobile app sends a browser."""
    client = next(each for each in city.world["clients"] if each["client_id"] == "suxin-mobile")
    asked = {
        "response_type": "code", "client_id": client["client_id"], "redirect_uri": client["redirect_uris"][0],
        "scope": "profile notices:read", "resource": city.base, "state": "x", "nonce": "y", "prompt": "consent",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
    }  # fmt: skip
    return f"/oauth2/authorize?{urlencode(asked)}"
