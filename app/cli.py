"""The `suxin` command."""

from __future__ import annotations

import os
import sys
from typing import Any, ClassVar

import click
from flask import Flask

from app.config import BadSetting, Settings


class City:
    """Gives commands the app when they need it, and not before."""

    def __init__(self) -> None:
        self._app: Flask | None = None

    def app(self) -> Flask:
        """Return the app for the environment's settings; builds it on first use."""
        if self._app is None:
            from app.factory import create_app
            from app.runtime.attach import environment

            # Plugins read their settings from the environment, too.
            os.environ.update(environment(os.environ))
            self._app = create_app(Settings.from_env(os.environ))
        return self._app


class Commands(click.Group):
    """Imports a command when it is called, so that `suxin --help` stays quick."""

    lazy: ClassVar[dict[str, str]] = {
        "up": "app.runtime.up:up",
        "plugin": "app.registry.commands:plugin",
        "migrate": "app.maintenance:migrate",
        "migrations": "app.maintenance:migrations",
        "openapi": "app.maintenance:openapi",
        "docs": "app.maintenance:docs",
        "seed": "app.maintenance:seed",
        "keys": "app.maintenance:keys",
        "ledger": "app.ledger.commands:ledger",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.lazy, *_plugin_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return _plugin_commands().get(cmd_name)
        module, _, name = self.lazy[cmd_name].partition(":")
        command: Any = getattr(__import__(module, fromlist=[name]), name)
        return command if isinstance(command, click.Command) else None


def _plugin_commands() -> dict[str, click.Command]:
    from app.registry.check import sound
    from app.registry.find import find

    kept, _ = sound(find())
    return {command.name or "": command for each in kept for command in each.plugin.commands}


@click.group(cls=Commands)
@click.pass_context
def suxin(ctx: click.Context) -> None:
    """Run, look after and extend the city."""
    ctx.obj = City()


def main() -> None:
    """Run the command; a setting that cannot be used ends with one sentence and code 2."""
    try:
        suxin(prog_name="suxin")
    except BadSetting as wrong:
        click.echo(str(wrong), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
