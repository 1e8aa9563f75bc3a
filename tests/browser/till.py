"""What a pharmacist's hands do at the terminal page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import TILL, City

if TYPE_CHECKING:
    from playwright.sync_api import Page


def load_key(page: Page, city: City) -> None:
    """Open the terminal and give it the key of the pharmacy near the customer."""
    page.goto("/p/health/terminal")
    page.locator("#key-file").set_input_files(city.export)
    terminals = city.world["terminals"]
    at = next(place for place, each in enumerate(terminals) if each["organisation"] == TILL)
    page.locator("#terminal-choice").select_option(str(at))
    page.locator("#key-form button").click()
    page.locator("#stage-person").wait_for()


def look(page: Page, tail: str) -> None:
    """Let the customer look into the camera and say her number's end."""
    page.locator("#preview[data-live]").wait_for()
    page.locator("#tail").fill(tail)
    page.locator("#person-form button").click()


def choose(page: Page, medicine: str) -> None:
    """Put one pack of a medicine into the basket."""
    page.locator("#q").fill(medicine)
    page.locator("#search-form button").click()
    page.locator("#medicines li").filter(has_text=medicine).get_by_role("button").click()
