"""Is each plugin's schema at the newest revision that the plugin ships? One look at the server for all."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db import Database
from app.migrations.run import VERSION_TABLE, Owner, head
from app.registry.contract import Plugin
from app.registry.refusal import Refused, Stage, told

log = structlog.get_logger("registry")
_TABLES = text(
    "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relname = :table AND n.nspname = ANY(:owners)"
)


def behind(app: Flask, plugins: Sequence[Plugin]) -> dict[str, Refused]:
    """Return a refusal for every plugin whose schema is not at its newest revision.

    Without a database, or while it is away, none is refused: readiness tells.
    """
    db: Database | None = app.extensions.get("suxin.db")
    owned = [plugin for plugin in plugins if plugin.migrations is not None]
    if db is None or not owned:
        return {}
    try:
        with db.read.connect() as connection:
            present = versions(connection, [plugin.name for plugin in owned])
    except (OperationalError, PoolTimeout) as error:
        log.warning("schemas_not_checked", kind=type(error).__name__)
        return {}
    verdicts = ((plugin.name, _verdict(plugin, present.get(plugin.name))) for plugin in owned)
    return {name: refused for name, refused in verdicts if refused is not None}


def versions(connection: Connection, owners: Sequence[str]) -> dict[str, str]:
    """Return the revision each owner's schema is at; an owner without one is left out."""
    found = connection.scalars(_TABLES, {"table": VERSION_TABLE, "owners": list(owners)}).all()
    if not found:
        return {}
    # The names were read from the server's catalogue and fit the plugin name pattern.
    each = (f"SELECT '{name}', version_num FROM \"{name}\".{VERSION_TABLE}" for name in found)  # noqa: S608
    return {row[0]: row[1] for row in connection.execute(text(" UNION ALL ".join(each)))}


def _verdict(plugin: Plugin, present: str | None) -> Refused | None:
    assert plugin.migrations is not None
    try:
        newest = head(Owner(plugin.name, plugin.migrations))
    except Exception as error:
        return Refused(Stage.MIGRATION, f"its revisions cannot be read ({told(error)})")
    if present == newest:
        return None
    return Refused(
        Stage.MIGRATION, f"its schema is at {present or 'nothing'}, it ships {newest}: run `suxin migrate` and see why"
    )
