"""Fill an empty city with the demo world: identity first, then the core, then plugins by name."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from app.db import unit_of_work
from app.matters import service as matters
from app.principal import SYSTEM, Principal, acting_as
from demo import world


def seed(app: Flask) -> None:
    """Seed once; a second call changes nothing."""
    registry = app.extensions["suxin.registry"]
    plugins = sorted(registry.mounted, key=lambda plugin: (plugin.name != "identity", plugin.name))
    with app.app_context(), acting_as(SYSTEM):
        with unit_of_work():
            matters.load(world.FOLDER / "matters.yaml")
        for plugin in plugins:
            if plugin.demo is not None:
                with acting_as(_seeder(plugin.name)), unit_of_work():
                    plugin.demo()


def _seeder(owner: str) -> Principal:
    # A plugin's seed must meet citizens under the subject ids that its routes will see.
    return SYSTEM if owner == "identity" else replace(SYSTEM, audience=owner)
