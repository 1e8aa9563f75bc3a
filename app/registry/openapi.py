"""OpenAPI 3.1: one document for the city, one per plugin, schema names told apart by owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

import flask_smorest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, current_app
from flask_smorest.spec.plugins import FlaskPlugin
from marshmallow import INCLUDE, Schema, fields

from app.errors import PROBLEM_JSON
from app.guards import public
from app.registry.contract import Plugin
from app.registry.keys import declare_key
from app.registry.security import BEARER, BEARER_SCHEME, declare_access

OPENAPI_VERSION = "3.1.0"
_CORE_PACKAGES = ("app", "flask_smorest", "marshmallow")
_KEY = "suxin.plugin_apis"
_owner: ContextVar[str] = ContextVar("suxin_schema_owner", default="")


class ProblemSchema(Schema):
    """What went wrong and what to do next (RFC 9457); a type may bring further members."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"format": "uri", "description": "stable; its end names the problem"})
    title = fields.String(required=True, metadata={"description": "in the language of Accept-Language"})
    status = fields.Integer(required=True, metadata={"minimum": 400, "maximum": 599})
    next_step = fields.String(required=True, metadata={"description": "what the caller can do about it"})
    request_id = fields.String(required=True, allow_none=True, metadata={"description": "quote it to our staff"})
    errors = fields.Dict(metadata={"description": "messages by place and field, where what was sent is wrong"})


class AccessPlugin(FlaskPlugin):  # type: ignore[misc]
    """Describes paths as smorest does and, for each method, who may call it and whether it takes a key."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app

    def path_helper(self, rule: Any, operations: dict[str, Any], parameters: list[Any], **kwargs: Any) -> str:
        """Return the path; `operations` gain their access and their Idempotency-Key."""
        declare_access(self._app.view_functions[rule.endpoint], operations)
        declare_key(self._app.view_functions[rule.endpoint], operations)
        path: str = super().path_helper(rule, operations, parameters, **kwargs)
        return path


class CityApi(flask_smorest.Api):  # type: ignore[misc]
    """The one API object of an app; errors are answered by `app.errors`, never by smorest."""

    ERROR_SCHEMA = ProblemSchema

    def _init_spec(self, **options: Any) -> None:
        super()._init_spec(**options)
        self.spec.components.security_scheme(BEARER, BEARER_SCHEME)

    def _register_responses(self) -> None:
        """Describe the answer to every error as a problem; smorest would call it `application/json`."""
        for status in HTTPStatus:
            if status >= 400:
                self._register_problem(status.name, status.phrase)
            else:
                self.spec.components.response(status.name, {"description": status.phrase}, lazy=True)
        self._register_problem(self.DEFAULT_ERROR_RESPONSE_NAME, "A problem")

    def _register_problem(self, name: str, description: str) -> None:
        content = {PROBLEM_JSON: {"schema": self.ERROR_SCHEMA}}
        self.spec.components.response(name, {"description": description, "content": content}, lazy=True)

    def _register_error_handlers(self) -> None:
        """Leave the app's handlers alone: the last Api to register would win for all."""

    @public(because="the interface description holds no personal data")
    def _openapi_json(self) -> Any:
        """Answer with the city's document."""
        return super()._openapi_json()


class PluginApi(CityApi):
    """The document of one plugin; its views are registered with the app by the city's Api."""

    def _register_doc_blueprint(self) -> None:
        """Serve nothing: `app.docs` serves every plugin's document under one rule."""


def schema_name(schema: type[Any]) -> str:
    """Return a schema's name in the documents, prefixed by its plugin: `HousingPermit`."""
    kind = schema if isinstance(schema, type) else type(schema)
    name = kind.__name__.removesuffix("Schema") or kind.__name__
    prefix = _owner.get().capitalize()
    if kind.__module__.partition(".")[0] in _CORE_PACKAGES or name.startswith(prefix):
        return name
    return prefix + name


@contextmanager
def schemas_of(plugin: Plugin) -> Iterator[None]:
    """Prefix the schemas that are registered meanwhile with the plugin's name."""
    token = _owner.set(plugin.name)
    try:
        yield
    finally:
        _owner.reset(token)


def city_api(app: Flask) -> flask_smorest.Api:
    """Return the Api that owns every JSON route of the city, served at `/openapi.json`."""
    app.config.setdefault("API_TITLE", "Suxin")
    app.config.setdefault("API_VERSION", "v1")
    app.config.setdefault("OPENAPI_VERSION", OPENAPI_VERSION)
    app.config.setdefault("OPENAPI_URL_PREFIX", "/")
    app.config.setdefault("OPENAPI_JSON_PATH", "openapi.json")
    return CityApi(app, spec_kwargs=_spec_options(app))


def document_plugin(app: Flask, plugin: Plugin, city: flask_smorest.Api | None = None) -> dict[str, Any]:
    """Return a plugin's own document, made from views that are already registered.

    Keeps it for `plugin_api`. Raises whatever apispec raises for a broken schema.
    """
    with schemas_of(plugin):
        spec = _spec_for(app, plugin, city)
    document = spec.to_dict()
    app.extensions.setdefault(_KEY, {})[plugin.name] = document
    return document


def plugin_api(name: str) -> Mapping[str, Any] | None:
    """Return the OpenAPI document of a mounted plugin, or None."""
    documents: dict[str, dict[str, Any]] = current_app.extensions.get(_KEY, {})
    return documents.get(name)


def _spec_for(app: Flask, plugin: Plugin, city: flask_smorest.Api | None) -> APISpec:
    prefix = f"PLUGIN_{plugin.name.upper()}_"
    app.config[f"{prefix}API_TITLE"] = f"Suxin {plugin.title.en}"
    app.config[f"{prefix}API_VERSION"] = plugin.version
    app.config[f"{prefix}OPENAPI_VERSION"] = OPENAPI_VERSION
    api = PluginApi(spec_kwargs=_spec_options(app), config_prefix=prefix)
    for source in (city,) if city is not None else ():
        api._fields.extend(source._fields)
        api._converters.extend(source._converters)
    api.init_app(app)
    for blueprint in plugin.blueprints:
        blueprint.register_views_in_doc(api, app, api.spec, name=blueprint.name, parameters=None)  # type: ignore[attr-defined]
        api.spec.tag({"name": blueprint.name, "description": plugin.title.en})
    spec: APISpec = api.spec
    return spec


def _spec_options(app: Flask) -> dict[str, Any]:
    return {
        "flask_plugin": AccessPlugin(app),
        "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=schema_name),
    }
