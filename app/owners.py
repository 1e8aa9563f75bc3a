"""Whose schemas there are: the core's, then each plugin's that can be loaded."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import MetaData, create_engine

from app.capabilities import load
from app.db import driver_url
from app.migrations.run import MigrationFailed, Owner, core_owner, upgrade
from app.registry.check import sound
from app.registry.contract import Plugin
from app.registry.find import Candidate, find
from app.sealing import continue_after_restore


def owners(candidates: Sequence[Candidate] | None = None) -> list[Owner]:
    """Return every owner of a schema: core, identity, then plugins by name."""
    load()  # all of the core's models must be known before its metadata is read
    kept, _ = sound(find() if candidates is None else candidates)
    plugins = sorted((each.plugin for each in kept), key=lambda plugin: (plugin.name != "identity", plugin.name))
    return [core_owner()] + [
        Owner(plugin.name, plugin.migrations, _metadata(plugin)) for plugin in plugins if plugin.migrations is not None
    ]


def _metadata(plugin: Plugin) -> MetaData | None:
    found = getattr(plugin.models, "metadata", plugin.models)
    return found if isinstance(found, MetaData) else None


def bring_up_to_date(url: str, owners: Sequence[Owner]) -> list[MigrationFailed]:
    """Migrate every owner, and go on counting where a restored dump ended; returns the failures of plugins."""
    failures = upgrade(url, owners)
    engine = create_engine(driver_url(url))
    try:
        with engine.begin() as connection:
            continue_after_restore(connection)
    finally:
        engine.dispose()
    return failures
