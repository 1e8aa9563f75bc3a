"""The city's pages: one base template, one stylesheet, headers, languages, the citizen's home."""

from __future__ import annotations

from flask import Flask

from app.guards import public
from app.pages import display, headers, home, languages, offers, problems


def install(app: Flask) -> None:
    """Mount the pages and set languages, display choices and security headers for the whole app."""
    languages.install(app)
    display.install(app)
    headers.install(app)
    problems.install(app)
    for blueprint in (display.blueprint, home.blueprint, offers.blueprint, problems.blueprint):
        app.register_blueprint(blueprint)
    static = app.view_functions["pages.static"]
    app.view_functions["pages.static"] = public(because="styles and scripts hold no data")(static)
