"""npm oidc-client-ts, unmodified, in a real Chromium: a single-page app of another origin, public, with PKCE."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.interop import clients, programs
from tests.served import City

NAMES = ("chromium", "chromium-browser", "google-chrome")
LIBRARY = programs.NODE / "node_modules" / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js"
PAGE = '<!doctype html><html lang="en"><head><title>app</title><script src="/library.js"></script></head></html>'


class App(BaseHTTPRequestHandler):
    """The app's origin: the library, and the same empty page at every other address."""

    def do_GET(self) -> None:
        library = self.path == "/library.js"
        raw = LIBRARY.read_bytes() if library else PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if library else "text/html")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def chromium(node: None) -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="not installed: requirements/browser.lock")
    program = next((found for found in map(shutil.which, NAMES) if found), None)
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def app(city: City) -> Iterator[str]:
    """Serve the app where the demo export says the client lives; returns its origin."""
    parts = urlsplit(clients.public(city)["redirect_uris"][0])
    try:
        server = ThreadingHTTPServer((str(parts.hostname), int(parts.port or 80)), App)
    except OSError:
        pytest.skip(f"port {parts.port}, the demo client's own, is in use")
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"{parts.scheme}://{parts.netloc}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(chromium: Any, app: str) -> Iterator[Any]:
    """Return a fresh browser's page at the app."""
    context = chromium.new_context(locale="en-GB")
    opened = context.new_page()
    opened.goto(f"{app}/")
    yield opened
    context.close()


def settings(city: City) -> dict[str, Any]:
    """Return what the library is configured with: the demo export's words and nothing else."""
    me = clients.public(city)
    resource, scope = clients.own_resource(me, city)
    return {
        "authority": city.base, "client_id": me["client_id"], "redirect_uri": me["redirect_uris"][0],
        "post_logout_redirect_uri": me["post_logout_redirect_uris"][0], "scope": scope, "resource": resource,
        "loadUserInfo": True, "automaticSilentRenew": False, "monitorSession": False,
    }  # fmt: skip


def log_in(page: Any, city: City) -> dict[str, Any]:
    """Log in through the city's pages and return the library's user."""
    page.evaluate("(given) => { void new oidc.UserManager(given).signinRedirect(); }", settings(city))
    page.locator("#login_name").fill(city.customer["login_name"])
    page.locator("#password").fill(city.customer["password"])
    page.locator("main form:has(#password) button[type=submit]").click()
    approve = page.locator("button[value=approve]")
    callback = settings(city)["redirect_uri"]
    page.wait_for_url(lambda address: address.startswith((callback, f"{city.base}/oauth2/authorize")))
    if not page.url.startswith(callback):
        approve.click()
        page.wait_for_url(f"{callback}?**")
    found: dict[str, Any] = page.evaluate(
        """async (given) => { const user = await new oidc.UserManager(given).signinRedirectCallback();
            return {profile: user.profile, access_token: user.access_token, refresh_token: user.refresh_token}; }""",
        settings(city),
    )
    return found


def test_a_single_page_app_logs_in_refreshes_and_logs_out(page: Any, city: City) -> None:
    user = log_in(page, city)
    renewed = page.evaluate(
        """async (given) => { const user = await new oidc.UserManager(given).signinSilent();
            return {access_token: user.access_token, refresh_token: user.refresh_token, sub: user.profile.sub}; }""",
        settings(city),
    )
    page.evaluate("(given) => { void new oidc.UserManager(given).signoutRedirect(); }", settings(city))
    page.wait_for_url(f"{settings(city)['post_logout_redirect_uri']}**")

    assert user["profile"]["name"].endswith("*")
    assert renewed["sub"] == user["profile"]["sub"]
    assert renewed["refresh_token"] != user["refresh_token"]


def test_a_single_page_app_revokes_its_tokens(page: Any, city: City) -> None:
    log_in(page, city)

    revoked = page.evaluate(
        """async (given) => { const manager = new oidc.UserManager(given);
            await manager.revokeTokens(["refresh_token"]);
            try { await manager.signinSilent(); } catch (error) { return error.error ?? String(error); }
            return null; }""",
        settings(city),
    )

    assert revoked is not None


def test_no_origin_may_read_an_answer_that_a_cookie_decides(page: Any, city: City) -> None:
    log_in(page, city)

    seen = page.evaluate(
        """async (base) => { try {
            await fetch(base + "/oauth2/userinfo", {credentials: "include"}); return "read";
            } catch { return "withheld"; } }""",
        city.base,
    )

    assert seen == "withheld"
