"""How identity's pages are made: the city's layout, the reader's language, a form token, no caching, no framing."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request
from flask import make_response as respond
from werkzeug.wrappers import Response

from app.errors import DomainError, language
from identity.sessions import browser, service

_LAYOUTS = ["base.html", "identity/bare.html"]


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page whose forms are bound to this browser."""
    secret = browser.form_secret(request)
    tongue = language()
    made = respond(
        render_template(
            template,
            layout=current_app.jinja_env.select_template(_LAYOUTS),
            csrf_token=service.form_token(secret),
            language=tongue,
            zh=not tongue.startswith("en"),
            words=words,
            **values,
        ),
        status,
    )
    made.headers.update({"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"})
    browser.remember_form(made, secret)
    return made


def words(error: DomainError) -> tuple[str, str]:
    """Return title and next step of an error in the reader's language."""
    tongue = language()
    return error.title.to(tongue), error.next_step.to(tongue)


def in_words(scopes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return scopes with what they let a client do, in the reader's language."""
    registry = current_app.extensions.get("suxin.registry")
    titles = {scope: text for plugin in getattr(registry, "mounted", ()) for scope, text in plugin.scopes.items()}
    return [(scope, titles[scope].to(language()) if scope in titles else scope) for scope in scopes]
