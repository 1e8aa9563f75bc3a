"""No fault known to axe, nothing beyond the right edge, targets large enough: every page in every display."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import till
from tests.browser.conftest import City

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.optional
Opened = Callable[..., "BrowserContext"]
DISPLAYS = [{}, {"mode": "elder"}, {"theme": "dark"}, {"language": "en"}, {"mode": "elder", "language": "en"}]
PAGES = ["/", "/login", "/matters/", "/matters/health.medicine-on-insurance", "/problems/", "/nothing-here"]
# `/device` and the pages of questions and log-out need a person.
IDENTITY_PAGES = ["/device", "/approvals", "/oauth2/logout", "/oauth2/logout?client_id=client_unknown"]
TOO_SMALL = """least => [...document.querySelectorAll("main button, main input, header button, header a")]
  .filter(each => each.checkVisibility() && each.type !== "hidden" && each.getBoundingClientRect().height < least)
  .map(each => each.outerHTML)"""


def faults(page: Page) -> list[str]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    found: dict[str, Any] = axe.Axe().run(page).response
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


def too_wide(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda display: "-".join(display.values()) or "plain")
def test_pages_are_open_to_everyone(opened: Opened, log_in: Callable[[Page], None], display: dict[str, str]) -> None:
    page = opened(**display).new_page()
    found: dict[str, Any] = {}

    for path in PAGES:
        page.goto(path)
        found[path] = faults(page) + page.evaluate(TOO_SMALL, 44)
    log_in(page)
    for path in IDENTITY_PAGES:
        page.goto(path)
        found[path] = faults(page) + page.evaluate(TOO_SMALL, 44)
    page.goto("/")
    found["home"] = faults(page) + page.evaluate(TOO_SMALL, 44)

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("display", [{}, {"mode": "elder", "language": "en"}, {"theme": "dark"}], ids=str)
def test_the_question_of_a_device_is_open_to_everyone(
    opened: Opened, log_in: Callable[[Page], None], display: dict[str, str]
) -> None:
    page = opened(**display).new_page()
    log_in(page)
    asked = page.request.post("/oauth2/device_authorization", form={"client_id": "suxin-screen", "scope": "openid"})
    page.goto(asked.json()["verification_uri_complete"])

    page.locator("main form button").press("Enter")
    page.locator("button[value=approve]").wait_for()
    wrong = faults(page) + page.evaluate(TOO_SMALL, 44)
    page.locator("button[value=approve]").press("Enter")
    page.wait_for_url("**/device/decision")

    assert wrong + faults(page) == []


@pytest.mark.parametrize("display", [{}, {"mode": "elder", "language": "en"}, {"theme": "dark"}], ids=str)
def test_the_terminal_is_open_to_everyone(city: City, opened: Opened, display: dict[str, str]) -> None:
    page = opened(**display).new_page()

    page.goto("/p/health/terminal")
    page.locator("#stage-key").wait_for()
    wrong = faults(page)
    till.load_key(page, city)

    assert wrong + faults(page) == []


@pytest.mark.parametrize(("width", "choices"), [(320, {}), (375, {"mode": "elder", "language": "en"}), (640, {})])
def test_pages_reflow(opened: Opened, log_in: Callable[[Page], None], width: int, choices: dict[str, str]) -> None:
    page = opened(**choices).new_page()
    page.set_viewport_size({"width": width, "height": 600})
    wide = []

    log_in(page)
    for path in [*PAGES, *IDENTITY_PAGES, "/p/health/terminal"]:
        page.goto(path)
        wide += [path] if too_wide(page) else []

    assert wide == []


def test_axe_finds_a_planted_fault(opened: Opened) -> None:
    page = opened().new_page()

    page.set_content("<html><title>x</title><main><h1>a</h1><img src='x'><p style='color:#aaa'>pale</p></main></html>")

    assert {fault.partition(":")[0] for fault in faults(page)} >= {"image-alt", "color-contrast", "html-has-lang"}
