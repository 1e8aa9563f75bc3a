"""Large type, theme and language: kept in cookies, set by plain forms, read by the base template."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from app.errors import NotAllowed, language
from app.guards import public
from app.text import Text

CHOICES = {"mode": ("normal", "elder"), "theme": ("light", "dark"), "language": ("zh-CN", "en")}
_YEAR_SECONDS = 31_536_000

blueprint = Blueprint(
    "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static/pages"
)


class ForeignChoice(NotAllowed):
    title = Text("此设置来自其他网站", "Another site tried to change your display")
    next_step = Text("请在本站页面上更改设置", "Change the setting on our own page")


def install(app: Flask) -> None:
    """Tell every template how this reader wants pages."""
    app.context_processor(_context)


def cookie(name: str) -> str:
    """Return the cookie of a choice."""
    return f"suxin-{name}"


def chosen(name: str) -> str:
    """Return the reader's choice, or the first one offered."""
    given = request.cookies.get(cookie(name), "")
    return given if given in CHOICES[name] else CHOICES[name][0]


def _context() -> dict[str, Any]:
    tongue = "en" if language().startswith("en") else "zh-CN"
    return {
        "mode": chosen("mode"),
        "theme": chosen("theme"),
        "language": tongue,
        "zh": tongue != "en",
        "here": request.full_path.rstrip("?"),
        "demo": current_app.config["SETTINGS"].demo,
        "stylesheet": url_for("pages.static", filename="suxin.css"),
    }


@blueprint.post("/display")
@public(because="changes only how pages look in this browser")
def display() -> Response:
    """Keep the choices of the form and go back to where it was."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise ForeignChoice
    answer = redirect(_own_path(request.form.get("return_to", "/")), 303)
    for name, words in CHOICES.items():
        if request.form.get(name) in words:
            answer.set_cookie(
                cookie(name), request.form[name], max_age=_YEAR_SECONDS, samesite="Lax", httponly=True,
                secure=request.is_secure,
            )  # fmt: skip
    return answer


def _own_path(target: str) -> str:
    parts = urlsplit(target) if target.isprintable() else urlsplit("")
    own = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return target if own and not parts.scheme and not parts.netloc else "/"
