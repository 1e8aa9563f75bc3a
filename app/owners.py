"""Whose schemas there are: the core's, then each plugin's that can be loaded."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import MetaData

from app.capabilities import load
from app.migrations.run import Owner, core_owner
from app.registry.check import sound
from app.registry.contract import Plugin
from app.registry.find import Candidate, find


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
