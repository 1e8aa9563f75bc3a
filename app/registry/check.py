"""Is a found value a plugin this core can serve? Everything that needs no app is decided here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import flask_smorest
from flask import Blueprint

from app.jobs import Job, Schedule
from app.ports import Provider
from app.registry.contract import API_VERSION, HealthCheck, MenuEntry, Plugin, PluginSetting, Simulator
from app.registry.find import Candidate
from app.registry.refusal import Refused, Stage, told
from app.text import Text

IDENTITY = "identity"
IN_TREE = "suxin"
NAME = re.compile(r"[a-z][a-z0-9]{1,30}")
_VERB = re.compile(r"[a-z][a-z0-9_]{0,40}")
_SETTING = re.compile(r"[a-z][a-z0-9_]{0,40}")
_MOST_SLOTS = 64
RESERVED = frozenset({
    "admin", "api", "app", "assets", "audit", "authorize", "beat", "cases", "catalogue", "certificates", "core", "docs",
    "exchange", "facts", "forms", "healthz", "ledger", "matters", "metrics", "notices", "oauth2", "openapi", "p",
    "plugin", "plugins", "presence", "problems", "public", "readyz", "registry", "reviews", "rules", "static",
    "subjects", "suxin", "token",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sound:
    """A plugin that fulfils the contract, and where it came from."""

    plugin: Plugin
    candidate: Candidate


def sound(candidates: Sequence[Candidate]) -> tuple[list[Sound], list[tuple[Candidate, Refused]]]:
    """Part the candidates into plugins that fulfil the contract and refusals.

    Identity comes first, the others by name; the order of `candidates` has no effect.
    """
    kept: dict[str, Sound] = {}
    refused: list[tuple[Candidate, Refused]] = []
    # Also a broken plugin of ours keeps its name: its schema holds data that no other distribution may inherit.
    ours = {candidate.name for candidate in candidates if candidate.distribution == IN_TREE}
    for candidate in sorted(candidates, key=_claim_order):
        try:
            plugin = contract(candidate)
            _unclaimed(candidate, ours, kept)
        except Refused as refusal:
            refused.append((candidate, refusal))
        else:
            kept[plugin.name] = Sound(plugin, candidate)
    return sorted(kept.values(), key=lambda each: (each.plugin.name != IDENTITY, each.plugin.name)), refused


def _claim_order(candidate: Candidate) -> tuple[bool, str, str]:
    return candidate.distribution != IN_TREE, candidate.distribution, candidate.name


def _unclaimed(candidate: Candidate, ours: Set[str], kept: Mapping[str, Sound]) -> None:
    name = candidate.name
    if name in kept or (name in ours and candidate.distribution != IN_TREE):
        holder = kept[name].candidate.distribution if name in kept else IN_TREE
        raise Refused(Stage.NAME, f"the name {name} belongs to distribution {holder}; choose another")


def contract(candidate: Candidate) -> Plugin:
    """Return the candidate's plugin; raises `Refused` with the first stage it fails."""
    if candidate.refused is not None:
        raise candidate.refused
    plugin = candidate.value
    if not isinstance(plugin, Plugin):
        kind = type(plugin).__name__
        raise Refused(Stage.OBJECT, f"the entry point gives a {kind}; it must name a value of app.api.Plugin")
    try:
        for check in _CHECKS:
            check(plugin, candidate)
    except Refused:
        raise
    except Exception as error:
        raise Refused(Stage.CONTRACT, f"a field has the wrong shape ({told(error)})") from error
    return plugin


def _version(plugin: Plugin, candidate: Candidate) -> None:
    major, minor = plugin.api
    ours = ".".join(map(str, API_VERSION))
    if (major, minor) > API_VERSION:
        raise Refused(Stage.CORE_TOO_OLD, f"it needs plugin API {major}.{minor}, the core has {ours}: upgrade the core")
    if major < API_VERSION[0]:
        raise Refused(Stage.CORE_TOO_NEW, f"it was made for plugin API {major}.{minor}, this core has {ours}: port it")


def _name(plugin: Plugin, candidate: Candidate) -> None:
    if not NAME.fullmatch(plugin.name):
        raise Refused(Stage.NAME, "a name has 2 to 31 small letters and digits and begins with a letter")
    if plugin.name in RESERVED:
        raise Refused(Stage.NAME, f"{plugin.name} is reserved for the core; choose another name")
    if plugin.name == IDENTITY and candidate.distribution != IN_TREE:
        raise Refused(Stage.NAME, "identity is the core's own; choose another name")
    if plugin.name != candidate.name:
        raise Refused(Stage.NAME, f"the entry point {candidate.name} and the plugin {plugin.name} must share one name")


_TUPLES: Mapping[str, type[Any]] = {
    "page_blueprints": Blueprint, "protocol_blueprints": Blueprint, "settings": PluginSetting, "providers": Provider,
    "pages": MenuEntry, "commands": click.Command, "health": HealthCheck, "simulators": Simulator, "facts_offered": str,
    "facts_needed": str, "blueprints": flask_smorest.Blueprint,
}  # fmt: skip


def _fields(plugin: Plugin, candidate: Candidate) -> None:
    if not isinstance(plugin.title, Text) or not isinstance(plugin.version, str) or not plugin.version:
        raise Refused(Stage.CONTRACT, "title must be a Text in both languages and version a text")
    for name, kind in _TUPLES.items():
        _all_of(Stage.CONTRACT, name, getattr(plugin, name), kind)
    if not isinstance(plugin.slots, int) or not 1 <= plugin.slots <= _MOST_SLOTS:
        raise Refused(Stage.CONTRACT, f"slots must be a whole number from 1 to {_MOST_SLOTS}")
    for name, given in (("demo", plugin.demo), *plugin.token_grants.items(), *plugin.fixtures.items()):
        if given is not None and not callable(given):
            raise Refused(Stage.CONTRACT, f"{name} must be callable")
    for grant_type in plugin.token_grants:
        # RFC 6749, 4.5: an extension grant has an absolute URI for its name; the plain words are the protocol's own.
        if not urlsplit(grant_type).scheme:
            raise Refused(Stage.CONTRACT, f"token grant {grant_type}: name it by a URI, such as urn:...")


def _all_of(stage: Stage, name: str, values: Any, kind: type[Any]) -> None:
    if not isinstance(values, tuple) or not all(isinstance(each, kind) for each in values):
        raise Refused(stage, f"{name} must be a tuple of {kind.__module__}.{kind.__name__}")


def _blueprints(plugin: Plugin, candidate: Candidate) -> None:
    if plugin.name == IDENTITY:
        return
    if plugin.protocol_blueprints:
        raise Refused(Stage.PREFIX, "protocol_blueprints are identity's alone; use blueprints or page_blueprints")
    for blueprint in (*plugin.blueprints, *plugin.page_blueprints):
        if blueprint.name != plugin.name and not blueprint.name.startswith(f"{plugin.name}_"):
            raise Refused(Stage.CONTRACT, f"blueprint {blueprint.name}: name it {plugin.name} or {plugin.name}_<what>")


def _scopes(plugin: Plugin, candidate: Candidate) -> None:
    for scope, meaning in plugin.scopes.items():
        owner, colon, verb = scope.partition(":")
        # OpenID Connect names identity's scopes (`openid`, `profile`), so they carry no prefix.
        if plugin.name != IDENTITY and (owner != plugin.name or not colon or not _VERB.fullmatch(verb)):
            raise Refused(Stage.CONTRACT, f"scope {scope}: write {plugin.name}:<verb>")
        if not isinstance(meaning, Text):
            raise Refused(Stage.CONTRACT, f"scope {scope} needs its meaning as a Text in both languages")


def _tasks(plugin: Plugin, candidate: Candidate) -> None:
    _all_of(Stage.TASKS, "tasks", plugin.tasks, Job)
    _all_of(Stage.TASKS, "schedule", plugin.schedule, Schedule)
    names = [job.name for job in plugin.tasks]
    for job in plugin.tasks:
        owner, dot, verb = job.name.partition(".")
        if owner != plugin.name or not dot or not _VERB.fullmatch(verb):
            raise Refused(Stage.TASKS, f"task {job.name}: write {plugin.name}.<verb>")
        if names.count(job.name) > 1:
            raise Refused(Stage.TASKS, f"task {job.name} is listed twice")
        if not callable(job.run) or job.retries < 0 or job.timeout_seconds < 1:
            raise Refused(Stage.TASKS, f"task {job.name}: run must be callable, retries and timeout_seconds positive")
    for schedule in plugin.schedule:
        if schedule.job not in names or schedule.every_seconds < 1:
            raise Refused(Stage.TASKS, f"schedule {schedule.job}: name a task of this plugin and at least 1 second")


def _settings(plugin: Plugin, candidate: Candidate) -> None:
    for setting in plugin.settings:
        if not _SETTING.fullmatch(setting.name) or not setting.meaning.strip():
            raise Refused(Stage.CONTRACT, f"setting {setting.name}: small letters, digits, _ and a meaning")


def _folders(plugin: Plugin, candidate: Candidate) -> None:
    for stage, folder in ((Stage.DECLARATIONS, plugin.declarations), (Stage.MIGRATION, plugin.migrations)):
        if folder is not None and not Path(folder).is_dir():
            raise Refused(stage, f"the folder {Path(folder).name} is not in the distribution: is it package data?")
    if plugin.models is not None and plugin.migrations is None:
        raise Refused(Stage.MIGRATION, "it has models but no migrations folder")


def _upstream(plugin: Plugin, candidate: Candidate) -> None:
    if plugin.upstream is None:
        return
    parts = urlsplit(plugin.upstream)
    by_tcp = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost") and parts.port
    by_socket = parts.scheme == "unix" and parts.path.startswith("/")
    if not by_tcp and not by_socket:
        raise Refused(Stage.CONTRACT, "upstream must be http://127.0.0.1:<port> or unix:/<path of a socket>")
    if plugin.blueprints:
        raise Refused(Stage.CONTRACT, "a plugin has either upstream or blueprints, since both answer /api/<name>/")


_CHECKS: tuple[Callable[[Plugin, Candidate], None], ...] = (
    _version, _name, _fields, _blueprints, _scopes, _tasks, _settings, _folders, _upstream,
)  # fmt: skip
