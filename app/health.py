"""`/healthz` says that the process lives, `/readyz` that each part and plugin can work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from flask import Flask, Response, current_app
from sqlalchemy import text

from app.db import database
from app.guards import public


def install(app: Flask) -> None:
    """Add both addresses."""
    app.add_url_rule("/healthz", "healthz", _healthz)
    app.add_url_rule("/readyz", "readyz", _readyz)


@public(because="a load balancer asks without credentials; the answer holds no data")
def _healthz() -> Response:
    return _json({"status": "ok"}, 200)


@public(because="a load balancer asks without credentials; the answer holds no data")
def _readyz() -> Response:
    core = {"database": _probe(_database), "broker": _probe(_broker)}
    registry = current_app.extensions["suxin.registry"]
    plugins = {
        state.name: {"state": state.state, "stage": state.stage, "reason": state.reason} for state in registry.states
    }
    checks = {
        f"{plugin.name}.{check.name}": _probe(check.probe) for plugin in registry.mounted for check in plugin.health
    }
    ready = all(state == "ok" for state in core.values())
    body = {"status": "ok" if ready else "unavailable", "parts": core, "plugins": plugins, "checks": checks}
    return _json(body, 200 if ready else 503)


def _probe(probe: Callable[[], None]) -> str:
    try:
        probe()
    except Exception as error:
        return f"failed: {type(error).__name__}"
    return "ok"


def _database() -> None:
    with database().read.connect() as connection:
        connection.execute(text("SELECT 1"))


def _broker() -> None:
    celery = current_app.extensions["suxin.celery"]
    with celery.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=2)


def _json(body: dict[str, Any], status: int) -> Response:
    answer = Response(orjson.dumps(body), status=status, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer
