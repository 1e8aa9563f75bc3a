"""How identity's pages are shown: layout, form token, words of errors, and addresses that are ours."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from app.guards import public
from identity.authenticators.ways import StepUpNeeded
from identity.oidc import forms
from identity.sessions import browser
from identity.sessions.service import Live
from identity.showing import in_words, page

__all__ = ["HOME", "LogInFirst", "blueprint", "form", "in_words", "leading_back", "own_path", "page", "signed_in", "to"]

HOME = "/"

blueprint = Blueprint(
    "identity_pages", __name__, template_folder="../templates",
    static_folder="../static", static_url_path="/static/identity",
)  # fmt: skip


class LogInFirst(Exception):
    """This page is for its own person, and nobody is logged in here."""


def form() -> dict[str, str]:
    """Return the posted form, once it is known to be one of ours; raises `ForeignForm`, `OAuthError`."""
    params = forms.form(request)
    browser.check_form(request, params.get(browser.CSRF_FIELD, ""))
    return params


def signed_in() -> Live:
    """Return the session of this browser; raises `LogInFirst`."""
    live = browser.live_session(request)
    if live is None:
        raise LogInFirst
    return live


def to(path: str) -> Response:
    """Send the browser on after a form (303: the answer is a page, not a second post)."""
    answer = redirect(path, 303)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def leading_back(blueprint: Blueprint, start: str, names: tuple[str, ...]) -> None:
    """Let pages that only a form shows lead to their start when they are reloaded, or their display is changed."""
    back = public(because="leads to a page that asks for what it needs")(lambda: to(start))
    for name in names:
        blueprint.add_url_rule(
            f"{start}/{name}", endpoint=f"back_from_{name.replace('/', '_')}", view_func=back, methods=["GET"]
        )


def own_path(target: str) -> str:
    """Return a path of ours, or the start page: log-in leads nowhere else."""
    plain = target.isascii() and target.isprintable() and "\\" not in target
    if not plain or not target.startswith("/") or target.startswith("//"):
        return HOME
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or parts.path == "/logout":
        return HOME
    return target


@blueprint.errorhandler(LogInFirst)
def _log_in_first(_: LogInFirst) -> Response:
    return to("/login?" + urlencode({"return_to": own_path(request.path if request.method == "GET" else "/account/")}))


@blueprint.errorhandler(StepUpNeeded)
def _step_up(needed: StepUpNeeded) -> Response:
    back = request.path if request.method == "GET" else "/account/authenticators"
    acr = f"aal{needed.members['authentication_level']}"
    return to("/login?" + urlencode({"return_to": own_path(back), "acr": acr}))
