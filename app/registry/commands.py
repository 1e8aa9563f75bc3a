"""`suxin plugin`: start a plugin, check it, see what became of all, ask what is wrong."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any, Protocol

import click
from flask import Flask

from app.registry import inspect, proxy, scaffold
from app.registry.check import sound
from app.registry.find import find
from app.registry.mount import MOUNTED, REFUSED, PluginState


class City(Protocol):
    """What the main command hands down: the app, built when it is needed."""

    def app(self) -> Flask: ...


@click.group()
def plugin() -> None:
    """Make, check and list scenario plugins."""


@plugin.command()
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), help="Folder to write the distribution below.")
def new(name: str, into: Path) -> None:
    """Write a distribution NAME that passes `check` and its own tests."""
    try:
        folder = scaffold.write(name, into)
    except scaffold.CannotWrite as wrong:
        raise click.ClickException(str(wrong)) from None
    click.echo(f"{folder}\nNext: pip install -e {folder}, suxin migrate, suxin plugin check {name}, pytest {folder}")


@plugin.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")
@click.pass_obj
def list_(city: City, as_json: bool) -> None:
    """Show every found plugin, mounted or not, and why."""
    states = _states(city)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(state) for state in states], ensure_ascii=False))
        return
    for state in states:
        click.echo(_line(state))


@plugin.command()
@click.argument("name")
@click.pass_obj
def check(city: City, name: str) -> None:
    """Check NAME as a reviewer would; exit code 1 when something must change."""
    candidates = [found for found in find() if found.name == name]
    if not candidates:
        raise click.ClickException(f"no installed distribution offers a plugin {name}")
    kept, refusals = sound(candidates)
    for _, refusal in refusals:
        click.echo(f"refused  {refusal}")
    findings = inspect.inspect(kept[0].plugin, kept[0].candidate, city.app()) if kept else []
    for finding in findings:
        click.echo(f"{finding.verdict:<15}{finding.what}: {finding.said}")
    if refusals or any(finding.verdict == inspect.FAILED for finding in findings):
        sys.exit(1)


@plugin.command()
@click.pass_obj
def doctor(city: City) -> None:
    """Say what is wrong with the installed plugins and what to do; exit code 1 if anything is."""
    states = _states(city)
    ill = [state for state in states if state.state == REFUSED]
    for state in ill:
        click.echo(f"{_line(state)}\n  see docs/plugins.md, stage {state.stage}, or: suxin plugin check {state.name}")
    probes = inspect.probes(city.app())
    for probe in probes:
        click.echo(f"{probe.verdict:<15}{probe.what}: {probe.said}")
    if ill or any(probe.verdict == inspect.FAILED for probe in probes):
        sys.exit(1)
    click.echo(f"{sum(state.state == MOUNTED for state in states)} plugins are mounted and well")


@plugin.command()
@click.argument("name")
@click.pass_obj
def key(city: City, name: str) -> None:
    """Print the public key by which the out-of-process plugin NAME knows our callers."""
    with city.app().app_context():
        click.echo(json.dumps(proxy.signing_key(name).as_dict(private=False)))


def _states(city: City) -> tuple[PluginState, ...]:
    states: tuple[PluginState, ...] = city.app().extensions["suxin.registry"].states
    return states


def _line(state: PluginState) -> str:
    said: list[Any] = [f"{state.name:<16}", f"{state.state:<9}", f"{state.distribution} {state.version}"]
    if state.stage:
        said.append(f"[{state.stage}] {state.reason}")
    return " ".join(said)
