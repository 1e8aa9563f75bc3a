"""A process of its own: a city with the kernel, one core route, and whatever plugins are on the path.

`python -m tests.contract.plugins.city plugin list --json` and `... get /api/x /api/y`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from flask import Flask
from sqlalchemy.engine import make_url

from app import crypto, db, errors, guards
from app.config import Settings
from app.db import unit_of_work
from app.migrations.run import Owner, upgrade
from app.registry.check import sound
from app.registry.commands import plugin
from app.registry.find import find
from app.registry.mount import mount_all
from app.registry.openapi import city_api


class WorkingFlask(Flask):
    """Each request is one unit of work, as in the city."""

    def dispatch_request(self) -> Any:
        with unit_of_work():
            return super().dispatch_request()


class SmallCity:
    """Gives the command group its app."""

    def app(self) -> Flask:
        """Return a city with all third-party plugins that are installed."""
        settings = Settings(database_url=os.environ.get("SUXIN_DATABASE_URL", ""), log_level="error")
        candidates = [found for found in find() if found.distribution != "suxin"]
        app = kernel(settings)
        if settings.database_url:
            make_url(settings.database_url)
            kept, _ = sound(candidates)
            owners = [Owner(each.plugin.name, each.plugin.migrations) for each in kept if each.plugin.migrations]
            upgrade(settings.database_url, owners)
        mount_all(app, city_api(app), candidates)
        return app


def kernel(settings: Settings) -> Flask:
    """Return an app with the kernel and one core route, without plugins."""
    app = WorkingFlask("app", static_folder=None)
    app.config.update(SETTINGS=settings, PROPAGATE_EXCEPTIONS=False)
    app.extensions["suxin.unexpected"] = lambda error: None
    errors.install(app)
    guards.install(app)
    crypto.install(app, crypto.KeyRing.fresh())
    url = settings.database_url or "postgresql://nobody@127.0.0.1:1/none"
    database = db.Database.connect(url, pool_size=2, statement_timeout_ms=5000)
    db.install(app, database)

    @app.get("/api/core")
    @guards.public(because="a test")
    def core() -> dict[str, str]:
        return {"core": "well"}

    return app


def main() -> None:
    """Run one command."""
    if sys.argv[1] == "get":
        client = SmallCity().app().test_client()
        answers = {path: (answer := client.get(path), answer.status_code)[1] for path in sys.argv[2:]}
        print(json.dumps(answers))
        return
    plugin.main(sys.argv[2:], prog_name="suxin plugin", obj=SmallCity())


if __name__ == "__main__":
    main()
