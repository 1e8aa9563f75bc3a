"""What the guides must name: settings, scopes, jobs and commands; the check says what they do not."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click
from flask import Flask

from app.cli import suxin
from app.config import Settings, env_name

GUIDES = Path(__file__).parent.parent / "docs"


def undocumented(app: Flask, guides: Path = GUIDES) -> list[str]:
    """List every setting, scope, job and command that no guide names."""
    text = "\n".join(each.read_text("utf-8") for each in sorted(guides.glob("*.md")))
    return [f"not documented: {name}" for name in sorted(promised(app)) if f"`{name}`" not in text]


def promised(app: Flask) -> set[str]:
    """Return the names that users rely on."""
    plugins = app.extensions["suxin.registry"].mounted
    names = {env_name(each.name) for each in fields(Settings)}
    names |= {f"SUXIN_{p.name.upper()}_{s.name.upper()}" for p in plugins for s in p.settings}
    names |= {scope for plugin in plugins for scope in plugin.scopes}
    names |= set(app.extensions["suxin.jobs"])
    return names | {f"suxin {path}" for path in _commands(suxin, click.Context(suxin))}


def _commands(group: click.Group, context: click.Context) -> list[str]:
    paths = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        nested = _commands(command, click.Context(command)) if isinstance(command, click.Group) else []
        paths += [f"{name} {below}" for below in nested] or [name]
    return paths
