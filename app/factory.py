"""Join the parts: settings, database, core, identity, plugins, documents."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, cast

from celery import Celery
from flask import Flask, Request, request
from flask.typing import ResponseReturnValue

from app import capabilities, crypto, db, docs, errors, guards, health, hotpath, housekeeping, pages, telemetry, worker
from app.config import BadSetting, Settings
from app.db import unit_of_work
from app.registry.find import Candidate
from app.registry.mount import mount_all
from app.registry.openapi import city_api

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Undeclared(RuntimeError):
    """A route of the core or identity does not say who may call it."""


class CityRequest(Request):
    """A request whose uploads stay in memory: no picture ever touches the disk."""

    def _get_file_stream(self, *_: Any, **__: Any) -> Any:
        return io.BytesIO()


class CityApp(Flask):
    """A Flask app in which each request is one unit of work."""

    request_class = CityRequest

    def dispatch_request(self) -> ResponseReturnValue:
        """Answer within a unit of work; the answer leaves after the commit."""
        with unit_of_work(read_only=request.method in SAFE and not self._writes()):
            return self.make_response(super().dispatch_request())

    def _writes(self) -> bool:
        view = self.view_functions.get(request.endpoint or "")
        handler = getattr(getattr(view, "view_class", None), request.method.lower(), view)
        return bool(getattr(handler, "__writes__", False))


def create_app(
    settings: Settings, *, candidates: Sequence[Candidate] | None = None, ring: crypto.KeyRing | None = None
) -> Flask:
    """Return the city as a WSGI application.

    Raises `BadSetting` for settings that cannot work, `Undeclared` for a
    route without access, and whatever stops identity. A broken plugin is
    refused and reported; it stops nothing.
    """
    app = CityApp("app", static_folder=None)
    app.config.update(SETTINGS=settings, MAX_CONTENT_LENGTH=settings.max_body_bytes, PROPAGATE_EXCEPTIONS=False)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    _install_kernel(app, settings, ring or _ring(settings))
    api = city_api(app)
    loaded = capabilities.load()
    for each in loaded:
        if each.blueprint is not None:
            api.register_blueprint(each.blueprint, url_prefix=f"/api/{each.name}")
    registry = mount_all(app, api, candidates)
    docs.install(app)
    pages.install(app)
    health.install(app)
    _install_jobs(app, loaded, registry.mounted)
    _check_declared(app)
    hotpath.install(app)
    return app


def _install_kernel(app: Flask, settings: Settings, ring: crypto.KeyRing) -> None:
    if not settings.database_url:
        raise BadSetting("SUXIN_DATABASE_URL is empty: start with `suxin up`, or name a PostgreSQL.")
    errors.install(app)
    telemetry.install(app)
    pool = settings.core_slots + 2
    db.install(
        app,
        db.Database.connect(settings.database_url, pool_size=pool, statement_timeout_ms=settings.statement_timeout_ms),
    )
    crypto.install(app, ring)
    guards.install(app)


def _ring(settings: Settings) -> crypto.KeyRing:
    if settings.key_file is None:
        raise BadSetting("SUXIN_KEY_FILE is empty: start with `suxin up`, or name a key file.")
    return crypto.KeyRing.read(settings.key_file)


def _install_jobs(app: Flask, loaded: list[capabilities.Capability], mounted: Sequence[Any]) -> None:
    jobs, schedules = list(housekeeping.JOBS), list(housekeeping.SCHEDULE)
    for part in loaded:
        jobs += part.jobs
        schedules += part.schedule
    for plugin in mounted:
        jobs += plugin.tasks
        schedules += plugin.schedule
    app.extensions["suxin.celery"] = worker.make_celery(app, jobs, schedules)


def _check_declared(app: Flask) -> None:
    missing = guards.undeclared(app)
    if missing:
        raise Undeclared("no access declared on: " + ", ".join(missing))


def celery_of(app: Flask) -> Celery:
    """Return the Celery app bound to a city."""
    return cast(Celery, app.extensions["suxin.celery"])
