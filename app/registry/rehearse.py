"""Mount a plugin on a scratch app first, since what a real app has registered cannot be taken back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import flask_smorest
from flask import Blueprint, Flask

from app import guards
from app.registry import proxy
from app.registry.check import IDENTITY
from app.registry.contract import Plugin
from app.registry.openapi import city_api, document_plugin, schemas_of
from app.registry.refusal import Refused, Stage, told

_HOOKS = {
    "before_request_funcs": "before_app_request",
    "after_request_funcs": "after_app_request",
    "teardown_request_funcs": "teardown_app_request",
    "template_context_processors": "app_context_processor",
    "url_value_preprocessors": "app_url_value_preprocessor",
    "url_default_functions": "app_url_defaults",
}


def rehearse(plugin: Plugin, *, like: Flask) -> None:
    """Mount a plugin on a scratch app with the config of `like`; raises `Refused`."""
    scratch = Flask("rehearsal", static_folder=None)
    scratch.config.update(like.config)
    api = city_api(scratch)
    before, views = _app_wide(scratch), dict(scratch.view_functions)
    with scratch.app_context():
        try:
            register(scratch, api, plugin)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise _by_route(scratch, plugin, views, error) from error
        _no_hooks(scratch, before, views)
        _inside_prefix(scratch, plugin, views)
        _all_declared(scratch, plugin, views)
        _own_error_shape(plugin)
        try:
            api.spec.to_dict()
            document_plugin(scratch, plugin, api)
        except Exception as error:
            raise Refused(Stage.OPENAPI, f"the OpenAPI document cannot be made ({told(error)})") from error


def register(app: Flask, api: flask_smorest.Api, plugin: Plugin) -> None:
    """Register a plugin's routes where they belong; the same for rehearsal and real mount."""
    with schemas_of(plugin):
        for blueprint in plugin.blueprints:
            api.register_blueprint(blueprint, url_prefix=_below(f"/api/{plugin.name}", blueprint))
    for blueprint in plugin.page_blueprints:
        app.register_blueprint(blueprint, url_prefix=_below(f"/p/{plugin.name}", blueprint))
    for blueprint in plugin.protocol_blueprints:
        app.register_blueprint(blueprint)
    if plugin.upstream is not None:
        app.register_blueprint(proxy.blueprint(plugin), url_prefix=f"/api/{plugin.name}")


def endpoints_since(app: Flask, before: Iterable[str]) -> list[str]:
    """List the endpoints an app gained."""
    known = set(before)
    return [endpoint for endpoint in app.view_functions if endpoint not in known]


def _below(prefix: str, blueprint: Blueprint) -> str:
    own = (blueprint.url_prefix or "").strip("/")
    # A team may well repeat the prefix in its blueprint; it means the same place.
    if f"/{own}/".startswith(f"{prefix}/"):
        return f"/{own}"
    return f"{prefix}/{own}" if own else prefix


def _by_route(scratch: Flask, plugin: Plugin, views: dict[str, Any], error: BaseException) -> Refused:
    live = len(endpoints_since(scratch, views))
    return Refused(Stage.ROUTES, f"registering its routes failed after {live} of them ({told(error)})")


def _app_wide(app: Flask) -> dict[str, Any]:
    state: dict[str, Any] = {spoken: list(getattr(app, held).get(None, ())) for held, spoken in _HOOKS.items()}
    handlers = app.error_handler_spec.get(None, {})
    state["app_errorhandler"] = {(code, kind) for code, kinds in handlers.items() for kind in kinds}
    state["teardown_appcontext"] = list(app.teardown_appcontext_funcs)
    state["shell_context_processor"] = list(app.shell_context_processors)
    state["url converter"] = dict(app.url_map.converters)
    state["setting of the whole app"] = {key: str(value) for key, value in app.config.items()}
    state["app_template_filter"] = set(app.jinja_env.filters)
    state["app_template_test"] = set(app.jinja_env.tests)
    state["app_template_global"] = set(app.jinja_env.globals)
    return state


def _no_hooks(scratch: Flask, before: dict[str, Any], views: dict[str, Any]) -> None:
    after = _app_wide(scratch)
    changed = [what for what, held in before.items() if after[what] != held]
    changed += [f"view {name}" for name, view in views.items() if scratch.view_functions.get(name) is not view]
    if changed:
        raise Refused(Stage.HOOKS, f"it changes the whole app by {', '.join(changed)}; use the blueprint's own hooks")


def _inside_prefix(scratch: Flask, plugin: Plugin, views: dict[str, Any]) -> None:
    if plugin.name == IDENTITY:
        return
    homes = (f"/api/{plugin.name}", f"/p/{plugin.name}")
    for rule in scratch.url_map.iter_rules():
        if rule.endpoint in views:
            continue
        inside = any(rule.rule == home or rule.rule.startswith(f"{home}/") for home in homes)
        if not inside or rule.host or rule.subdomain:
            raise Refused(Stage.PREFIX, f"the rule {rule.rule} lies outside /api/{plugin.name}/ and /p/{plugin.name}/")
        if _owner(scratch, rule.endpoint) is None:
            raise Refused(Stage.PREFIX, f"the rule {rule.rule} is put on the app; put it on a blueprint of the plugin")


def _owner(app: Flask, endpoint: str) -> str | None:
    name = endpoint.rpartition(".")[0]
    return name if name in app.blueprints else None


def _all_declared(scratch: Flask, plugin: Plugin, views: dict[str, Any]) -> None:
    fresh = endpoints_since(scratch, views)
    for endpoint in fresh:
        if endpoint.rpartition(".")[2] == "static":
            open_static(scratch, endpoint)
    missing = guards.undeclared(scratch, fresh)
    if missing:
        raise Refused(Stage.ACCESS, f"no @require or @public on {', '.join(missing[:5])}")
    for endpoint in fresh:
        for scope in _scopes_of(scratch.view_functions[endpoint]):
            if scope.startswith(f"{plugin.name}:") and scope not in plugin.scopes:
                raise Refused(Stage.ACCESS, f"a route needs the scope {scope}, which `scopes` does not explain")


def open_static(app: Flask, endpoint: str) -> None:
    """Declare a blueprint's static files public, as all assets are."""
    if not hasattr(app.view_functions[endpoint], "__access__"):
        app.view_functions[endpoint] = guards.public(because="static files hold no data")(app.view_functions[endpoint])


def _scopes_of(view: Any) -> set[str]:
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    accesses = (guards.access_of(view, method) for method in methods)
    return {scope for access in accesses if access is not None for scope in access.scopes}


def _own_error_shape(plugin: Plugin) -> None:
    for blueprint in plugin.blueprints:
        if any(kinds for by_code in blueprint.error_handler_spec.values() for kinds in by_code.values()):
            raise Refused(Stage.HOOKS, f"blueprint {blueprint.name} has error handlers; raise a DomainError instead")
