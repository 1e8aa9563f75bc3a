"""The documentation page: Swagger UI from local files, over the city's and each plugin's document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_swagger_ui
from flask import Blueprint, Flask, current_app, jsonify, render_template, send_from_directory
from werkzeug.wrappers import Response

from app.errors import NotFound
from app.guards import public
from app.registry.openapi import plugin_api

_OPEN = "the interface description holds no personal data"
_ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
_SERVED = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js"})

blueprint = Blueprint("docs", __name__)


@blueprint.get("/docs")
@public(because=_OPEN)
def page() -> str:
    """Show the documents in Swagger UI."""
    return render_template("docs.html")


@blueprint.get("/docs/documents.json")
@public(because=_OPEN)
def documents() -> Response:
    """List the documents to choose from."""
    listed: list[dict[str, Any]] = [{"name": "Suxin", "url": "/openapi.json"}]
    registry = current_app.extensions.get("suxin.registry")
    for plugin in getattr(registry, "mounted", ()):
        listed.append({"name": f"{plugin.title.zh} {plugin.title.en}", "url": f"/docs/{plugin.name}/openapi.json"})
    return jsonify(listed)


@blueprint.get("/docs/<name>/openapi.json")
@public(because=_OPEN)
def document(name: str) -> Response:
    """Answer with one plugin's document."""
    found = plugin_api(name)
    if found is None:
        raise NotFound
    return jsonify(found)


@blueprint.get("/docs/assets/<name>")
@public(because="files of Swagger UI")
def asset(name: str) -> Response:
    """Answer with a file of Swagger UI."""
    if name not in _SERVED:
        raise NotFound
    return send_from_directory(_ASSETS, name, max_age=86_400)


def install(app: Flask) -> None:
    """Mount the documentation."""
    app.register_blueprint(blueprint)
