"""How demo persons log in, in any browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import City

if TYPE_CHECKING:
    from playwright.sync_api import Page


def log_in(page: Page, city: City, key: str) -> None:
    """Log a demo person in by password, from the log-in page to the account."""
    known = city.person(key)
    page.goto("/login?return_to=/account/")
    page.locator("#login_name").fill(known["login_name"])
    page.locator("#password").fill(known["password"])
    page.locator("#by-password button[type=submit]").click()
    page.wait_for_url("**/account/")
