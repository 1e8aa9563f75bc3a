"""Every page: well-formed, without inline code, in both languages and both sizes, with its headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

import app.pages
from tests.api.pages.markup import Markup, contrast, themes

PAGES = ["/", "/docs", "/problems/", "/problems/not-found", "/login", "/p/health/terminal", "/matters/"]
CSS = (Path(app.pages.__file__).parent / "static" / "suxin.css").read_text()
PAIRS = [
    (ink, ground)
    for ink, grounds in {
        "ink": ("paper", "ground", "tint"), "hint": ("paper", "ground"), "brand": ("paper", "ground", "tint"),
        "on-brand": ("brand",), "ok": ("paper", "ok-tint"), "warn": ("warn-tint",), "bad": ("paper", "bad-tint"),
    }.items()
    for ground in grounds
]  # fmt: skip


@pytest.mark.parametrize("choice", [{}, {"mode": "elder"}, {"language": "en"}, {"theme": "dark"}])
@pytest.mark.parametrize("path", PAGES)
def test_page_is_sound_in_every_display(client: FlaskClient, path: str, choice: dict[str, str]) -> None:
    for name, value in choice.items():
        client.set_cookie(f"suxin-{name}", value)

    answer = client.get(path)

    assert answer.status_code == 200
    assert Markup(answer.text).faults == []
    assert f'lang="{choice.get("language", "zh-CN")}"' in answer.text
    assert f'data-mode="{choice.get("mode", "normal")}"' in answer.text


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ('<html lang="en"><h1>a</h1><script>1</script></html>', "inline script"),
        ('<html lang="en"><h1 style="x">a</h1></html>', "inline style"),
        ('<html lang="en"><h1 onclick="x">a</h1></html>', "inline onclick"),
        ('<html lang="en"><h1>a</h1><input id="x"></html>', "no label for x"),
        ("<html><h1>a</h1></html>", "no lang"),
        ('<html lang="en"></html>', "0 h1"),
        ('<html lang="en"><h1>a</h1><div></html>', "<html> stays open"),
    ],
)
def test_the_check_finds_a_planted_fault(broken: str, fault: str) -> None:
    assert fault in Markup(broken).faults


@pytest.mark.parametrize("path", PAGES)
def test_only_the_terminal_may_use_the_camera(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers

    wanted = "camera=(self)" if path == "/p/health/terminal" else "camera=()"
    assert wanted in headers["Permissions-Policy"]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert ("unsafe-inline" in headers["Content-Security-Policy"]) == path.startswith("/docs")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_language_switch_is_kept_and_leads_back(client: FlaskClient) -> None:
    answer = client.post("/display", data={"language": "en", "return_to": "/problems/"})

    assert (answer.status_code, answer.location) == (303, "/problems/")
    assert "Error guide" in client.get("/problems/").text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_display_form_leads_nowhere_else(client: FlaskClient, target: str) -> None:
    assert client.post("/display", data={"mode": "elder", "return_to": target}).location == "/"


def test_another_site_cannot_change_the_display(client: FlaskClient) -> None:
    answer = client.post("/display", data={"mode": "elder"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_keeps_its_contrast(theme: str, ink: str, ground: str) -> None:
    colours = themes(CSS)[theme]

    assert contrast(colours[ink], colours[ground]) >= 4.5


def test_a_bad_pair_fails_the_contrast_check() -> None:
    assert contrast("#07c160", "#ffffff") < 4.5
