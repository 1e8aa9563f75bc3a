"""The pharmacy's terminal: a page that holds its device key and speaks the public API."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.api import allow_camera, public

blueprint = pages = Blueprint(
    "health_pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
)


@blueprint.get("/terminal")
@public(because="an empty terminal: it can do nothing without a device key")
def terminal() -> str:
    """Show the terminal, the only page that may use the camera."""
    allow_camera()
    return render_template("health/terminal.html")
