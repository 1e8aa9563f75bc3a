"""Load what mounted plugins declare in files: certificates, notices."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask

from app.certificates import types
from app.notices import kinds
from app.registry.contract import Plugin


def install(app: Flask, mounted: Iterable[Plugin]) -> None:
    """Make every mounted plugin's declarations known; raises what a bad file raises."""
    for plugin in mounted:
        folder = plugin.declarations
        if folder is None:
            continue
        if (folder / "certificates.yaml").is_file():
            types.install(app, types.read(folder / "certificates.yaml"))
        if (folder / "notices.yaml").is_file():
            kinds.install(app, kinds.read(folder / "notices.yaml", plugin.name))
