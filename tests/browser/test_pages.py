"""The citizen's pages and the terminal in a real browser, against a whole city."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser import till
from tests.browser.conftest import Camera, City

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.optional
Opened = Callable[..., "BrowserContext"]
LogIn = Callable[["Page"], None]
MEDICINE = "氨氯地平"


def test_a_purchase_by_face_reaches_the_citizens_home(
    city: City, opened: Opened, log_in: LogIn, fake_camera: Camera
) -> None:
    fake_camera.sees("person_b_2")
    page = opened().new_page()

    till.load_key(page, city)
    till.look(page, city.customer["mobile"][-4:])
    till.choose(page, MEDICINE)
    page.locator("#quote").click()
    page.locator("#confirm").click()
    page.locator("#stage-receipt[data-outcome=settled]").wait_for()
    total = page.locator("#stage-receipt [data-money=total_fen]").inner_text()
    home = opened().new_page()
    log_in(home)

    assert total.startswith("¥")
    assert page.locator("#number").inner_text().startswith("SETL")
    home.locator("#messages li").filter(has_text=total.removeprefix("¥")).first.wait_for()
    assert home.locator(".certificate").count() >= 1
    assert home.get_by_text(MEDICINE).count() >= 1
    assert "禾悦大药房" in home.locator("#looks").inner_text()


def test_a_stranger_is_refused_and_told_the_other_ways(city: City, opened: Opened, fake_camera: Camera) -> None:
    fake_camera.sees("impostor_1")
    page = opened().new_page()

    till.load_key(page, city)
    till.look(page, city.customer["mobile"][-4:])
    page.locator("#problem").wait_for()

    assert "人工核验" in page.locator("#problem-alternatives").inner_text()
    assert page.locator("#stage-basket").is_hidden()


def test_a_lost_network_is_named_and_nothing_is_lost(city: City, opened: Opened, fake_camera: Camera) -> None:
    fake_camera.sees("person_b_2")
    context = opened()
    page = context.new_page()
    till.load_key(page, city)
    till.look(page, city.customer["mobile"][-4:])
    till.choose(page, MEDICINE)

    context.set_offline(True)
    page.locator("#quote").click()
    page.locator("#problem").wait_for()
    context.set_offline(False)
    page.locator("#quote").click()

    page.locator("#stage-confirm").wait_for()
    assert page.locator("#problem").is_hidden()


def test_log_in_and_home_work_without_scripts(opened: Opened, log_in: LogIn) -> None:
    page = opened(scripts=False).new_page()

    log_in(page)
    unread = page.locator("#messages .new").count()
    with page.expect_navigation():
        page.locator("#messages .new button").first.click()

    assert page.locator("#messages .new").count() == unread - 1


def test_wrong_password_leads_back_to_the_field(city: City, opened: Opened) -> None:
    page = opened().new_page()
    page.goto("/login")

    page.locator("#login_name").fill(city.customer["login_name"])
    page.locator("#password").fill("not-the-password")
    page.locator("#by-password button[type=submit]").click()

    assert page.title().startswith("错误：")
    assert page.locator(".error-summary").is_visible()


def test_a_missing_page_is_answered_as_a_page(opened: Opened) -> None:
    page = opened(language="en").new_page()

    answer = page.goto("/nothing-here")

    assert answer is not None
    assert answer.status == 404
    assert page.locator("h1").inner_text() == "There is nothing here"
    assert page.locator("code").inner_text().startswith("request_")
