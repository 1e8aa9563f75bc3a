"""Mount every sound plugin after its rehearsal; what fails is refused whole and reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import flask_smorest
import structlog
from flask import Flask, abort

from app import guards
from app.registry import bulkhead, declarations, schema
from app.registry.check import IDENTITY, Sound, sound
from app.registry.contract import Plugin
from app.registry.find import Candidate, find
from app.registry.openapi import document_plugin
from app.registry.refusal import Refused, Stage, told
from app.registry.rehearse import endpoints_since, open_static, register, rehearse
from app.token_grants import owned, token_grants

log = structlog.get_logger("registry")
MOUNTED, DISABLED, REFUSED = "mounted", "disabled", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginState:
    """One line of `suxin plugin list`: what became of a found plugin, and why."""

    name: str
    distribution: str
    version: str
    state: str
    stage: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Registry:
    """What is mounted, and the fate of everything that was found."""

    mounted: tuple[Plugin, ...]
    states: tuple[PluginState, ...]


class IdentityRefused(RuntimeError):
    """The city cannot start without identity."""


def mount_all(app: Flask, api: flask_smorest.Api, candidates: Sequence[Candidate] | None = None) -> Registry:
    """Mount every sound, enabled plugin and return the fate of all.

    Identity first, then by name: the order of `candidates` has no effect.
    Raises `IdentityRefused` when identity is found broken; nothing else stops the start.
    """
    kept, refusals = sound(find() if candidates is None else candidates)
    states = [_refused(candidate, refusal) for candidate, refusal in refusals]
    disabled = set(app.config["SETTINGS"].disabled_plugins) - {IDENTITY}
    wanted = [each for each in kept if each.plugin.name not in disabled]
    states += [_state(each.candidate, DISABLED) for each in kept if each.plugin.name in disabled]
    behind = schema.behind(app, [each.plugin for each in wanted])
    mounted = []
    for each in wanted:
        try:
            _mount(app, api, each, behind.get(each.plugin.name))
        except Refused as refusal:
            states.append(_refused(each.candidate, refusal))
        else:
            states.append(_state(each.candidate, MOUNTED))
            mounted.append(each.plugin)
    registry = Registry(tuple(mounted), tuple(sorted(states, key=lambda state: (state.name, state.distribution))))
    app.extensions["suxin.registry"] = registry
    _report(registry)
    return registry


def _mount(app: Flask, api: flask_smorest.Api, found: Sound, behind: Refused | None) -> None:
    plugin = found.plugin
    _not_taken(app, plugin)
    declared = declarations.read(plugin)
    declarations.unclaimed(app, declared)
    rehearse(plugin, like=app)
    if behind is not None:
        raise behind
    _ports_free(app, plugin)
    before = dict(app.view_functions)
    try:
        register(app, api, plugin)
        _bind(app, api, plugin, endpoints_since(app, before))
        declarations.install(app, declared)
    except Exception as error:
        # A second registration that fails where the first did not: its routes go dark.
        for endpoint in endpoints_since(app, before):
            app.view_functions[endpoint] = _gone
        raise Refused(Stage.MOUNT, f"it passed the rehearsal, yet mounting failed ({told(error)})") from error


def _bind(app: Flask, api: flask_smorest.Api, plugin: Plugin, endpoints: list[str]) -> None:
    for endpoint in endpoints:
        if endpoint.rpartition(".")[2] == "static":
            open_static(app, endpoint)
    if plugin.name != IDENTITY:
        for blueprint in {endpoint.rpartition(".")[0] for endpoint in endpoints}:
            guards.belongs(app, blueprint, to=plugin.name)
    bulkhead.hold(app, plugin, endpoints)
    document_plugin(app, plugin, api)
    for provider in plugin.providers:
        provider.port.bind(app, provider.name, provider.value)
    for grant_type, grant in plugin.token_grants.items():
        token_grants.bind(app, grant_type, owned(grant, owner=plugin.name))


@guards.public(because="it answers that nothing is here")
def _gone(**_: Any) -> NoReturn:
    abort(404)


def _not_taken(app: Flask, plugin: Plugin) -> None:
    if plugin.name == IDENTITY:
        return
    homes = (f"/api/{plugin.name}", f"/p/{plugin.name}")
    for rule in app.url_map.iter_rules():
        if any(rule.rule == home or rule.rule.startswith(f"{home}/") for home in homes):
            raise Refused(Stage.NAME, f"the core serves {rule.rule} itself; choose another name")


def _ports_free(app: Flask, plugin: Plugin) -> None:
    seen: set[tuple[str, str]] = set()
    with app.app_context():
        for provider in plugin.providers:
            key = (provider.port.name, provider.name)
            if key in seen or provider.name in provider.port.all():
                raise Refused(Stage.PORTS, f"port {key[0]} already has a provider called {key[1]}")
            seen.add(key)
        for grant_type in plugin.token_grants:
            if grant_type in token_grants.all():
                raise Refused(Stage.PORTS, f"the grant type {grant_type} has an owner already")


def _state(candidate: Candidate, state: str) -> PluginState:
    found = candidate
    return PluginState(name=found.name, distribution=found.distribution, version=found.version, state=state)


def _refused(candidate: Candidate, refusal: Refused) -> PluginState:
    if candidate.name == IDENTITY and candidate.distribution == "suxin":
        raise IdentityRefused(f"identity cannot be mounted: {refusal}") from refusal
    return PluginState(
        name=candidate.name, distribution=candidate.distribution, version=candidate.version, state=REFUSED,
        stage=refusal.stage.value, reason=refusal.reason,
    )  # fmt: skip


def _report(registry: Registry) -> None:
    for state in registry.states:
        if state.state == REFUSED:
            log.error(
                "plugin_refused", plugin=state.name, distribution=state.distribution, stage=state.stage,
                reason=state.reason,
            )  # fmt: skip
