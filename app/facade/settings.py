"""Settings of plugins, read from the environment by the declaration in the plugin's value."""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import current_app

from app.registry.contract import Plugin


def settings_of(plugin: str) -> Mapping[str, str]:
    """Return a mounted plugin's settings by name; an empty variable counts as not set."""
    found = next(each for each in _mounted() if each.name == plugin)
    prefix = f"SUXIN_{plugin.upper()}_"
    return {each.name: os.environ.get(prefix + each.name.upper(), "") or each.default for each in found.settings}


def _mounted() -> tuple[Plugin, ...]:
    mounted: tuple[Plugin, ...] = current_app.extensions["suxin.registry"].mounted
    return mounted
