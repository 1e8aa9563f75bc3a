"""One demo city and one Chromium for all browser tests; without a browser they are skipped, with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.browser import camera
from tests.served import City, served_city

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FACES = Path(__file__).parents[2] / "demo" / "faces"
TILL = "heyue"
NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Camera:
    """What the browser's camera sees."""

    film: Path

    def sees(self, portrait: str) -> None:
        """Put another person before the camera, for the next page that opens it."""
        camera.point_at(FACES / f"{portrait}.jpg", self.film)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    # A short path: sockets below it have a limit.
    with TemporaryDirectory(prefix="suxin-") as made:
        yield Path(made)


@pytest.fixture(scope="session")
def fake_camera(folder: Path) -> Camera:
    return Camera(folder / "film.y4m")


@pytest.fixture(scope="session")
def browser(fake_camera: Camera) -> Iterator[Browser]:
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: requirements/browser.lock"
    )
    program = next((found for found in map(shutil.which, NAMES) if found), None)
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    fake_camera.sees("person_b_2")
    flags = [
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={fake_camera.film}",
    ]  # fmt: skip
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def city(browser: Browser, folder: Path) -> Iterator[City]:
    with served_city(folder, host="localhost") as served:
        yield served


@pytest.fixture
def opened(browser: Browser, city: City) -> Iterator[Callable[..., BrowserContext]]:
    """Return browsers of their own at the city, with display choices as cookies."""
    contexts = []

    def make(*, scripts: bool = True, **choices: str) -> BrowserContext:
        context = browser.new_context(locale="zh-CN", java_script_enabled=scripts, base_url=city.base)
        context.add_cookies(
            [{"name": f"suxin-{name}", "value": value, "url": city.base} for name, value in choices.items()]
        )
        contexts.append(context)
        return context

    yield make
    for each in contexts:
        each.close()


@pytest.fixture
def log_in(city: City) -> Callable[[Page], None]:
    """Return how the demo world's customer logs in, from the start page."""

    def act(page: Page) -> None:
        page.goto("/")
        page.locator("header a.account").click()
        page.locator("#login_name").fill(city.customer["login_name"])
        page.locator("#password").fill(city.customer["password"])
        page.locator("#by-password button[type=submit]").click()
        page.locator("#messages").wait_for()

    return act
