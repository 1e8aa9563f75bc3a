"""The plugin contract: one frozen value says all that a plugin brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from flask import Blueprint

from app.jobs import Job, Schedule
from app.ports import Provider
from app.text import Text

API_VERSION = (1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSetting:
    """A setting of a plugin, read from SUXIN_<PLUGIN>_<NAME>."""

    name: str
    default: str
    meaning: str
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """One line of `/readyz`: `probe` returns nothing, or raises when the part is not well."""

    name: str
    probe: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulator:
    """An outside party played on this machine in the demo, as a process of its own.

    `module` is run by `python -m`; it reads SUXIN_SIMULATOR_DATABASE_URL and
    SUXIN_SIMULATOR_SOCKET (the path of the unix socket to serve HTTP on).
    """

    name: str
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuEntry:
    """An entry in a menu of the citizen's or official's pages."""

    path: str
    title: Text
    audience: str = "citizen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """All that a plugin brings; see docs/plugins.md for each field.

    `blueprints` are mounted under `/api/<name>`, `page_blueprints` under
    `/p/<name>`; `protocol_blueprints` are identity's alone.
    """

    name: str
    title: Text
    version: str
    api: tuple[int, int]
    blueprints: tuple[Blueprint, ...] = ()
    page_blueprints: tuple[Blueprint, ...] = ()
    protocol_blueprints: tuple[Blueprint, ...] = ()
    models: Any = None
    migrations: Path | None = None
    tasks: tuple[Job, ...] = ()
    schedule: tuple[Schedule, ...] = ()
    scopes: Mapping[str, Text] = field(default_factory=dict)
    settings: tuple[PluginSetting, ...] = ()
    declarations: Path | None = None
    facts_offered: tuple[str, ...] = ()
    facts_needed: tuple[str, ...] = ()
    providers: tuple[Provider, ...] = ()
    token_grants: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    pages: tuple[MenuEntry, ...] = ()
    commands: tuple[click.Command, ...] = ()
    demo: Callable[[], None] | None = None
    fixtures: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    health: tuple[HealthCheck, ...] = ()
    simulators: tuple[Simulator, ...] = ()
    slots: int = 4
    upstream: str | None = None
