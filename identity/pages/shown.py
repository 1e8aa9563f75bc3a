"""How identity's pages are shown: layout, form token, words of errors, and addresses that are ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, current_app, redirect, render_template, request
from flask import make_response as respond
from werkzeug.wrappers import Response

from app.errors import DomainError, language
from app.guards import public
from identity.authenticators.ways import StepUpNeeded
from identity.oidc import forms
from identity.sessions import browser, service
from identity.sessions.service import Live

HOME = "/"
_LAYOUTS = ["base.html", "identity/bare.html"]

blueprint = Blueprint(
    "identity_pages", __name__, template_folder="../templates",
    static_folder="../static", static_url_path="/static/identity",
)  # fmt: skip


class LogInFirst(Exception):
    """This page is for its own person, and nobody is logged in here."""


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page that no cache keeps, with forms bound to this browser."""
    secret = browser.form_secret(request)
    tongue = language()
    shown = respond(
        render_template(
            template,
            layout=current_app.jinja_env.select_template(_LAYOUTS),
            csrf_token=service.form_token(secret),
            language=tongue,
            zh=not tongue.startswith("en"),
            words=_words,
            **values,
        ),
        status,
    )
    shown.headers.update({"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"})
    browser.remember_form(shown, secret)
    return shown


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


def in_words(scopes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return each scope with its title in the reader's language."""
    registry = current_app.extensions.get("suxin.registry")
    titles = {scope: text for plugin in getattr(registry, "mounted", ()) for scope, text in plugin.scopes.items()}
    return [(scope, titles[scope].to(language()) if scope in titles else scope) for scope in scopes]


@blueprint.errorhandler(LogInFirst)
def _log_in_first(_: LogInFirst) -> Response:
    return to("/login?" + urlencode({"return_to": own_path(request.path if request.method == "GET" else "/account/")}))


@blueprint.errorhandler(StepUpNeeded)
def _step_up(needed: StepUpNeeded) -> Response:
    back = request.path if request.method == "GET" else "/account/authenticators"
    acr = f"aal{needed.members['authentication_level']}"
    return to("/login?" + urlencode({"return_to": own_path(back), "acr": acr}))


def _words(error: DomainError) -> tuple[str, str]:
    tongue = language()
    return error.title.to(tongue), error.next_step.to(tongue)
