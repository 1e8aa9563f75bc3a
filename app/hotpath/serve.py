"""A small WSGI router before Flask: it answers what is usual and hands on everything else."""

from __future__ import annotations

import functools
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast, runtime_checkable

import orjson
import sqlalchemy as sa
from flask import Flask, Response
from marshmallow import Schema
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.routing import Rule

from app.crypto import CannotOpen, Vault
from app.db import Database
from app.errors import NotAllowed
from app.guards import Access, access_of, check, token_verifier
from app.hotpath.declare import HotRead, hot_read_of
from app.hotpath.observe import Observer
from app.hotpath.serialize import CannotCompile, Dump, serializer
from app.hotpath.shape import plain
from app.hotpath.statement import Lines, Statement, StatementFailed, compile_statement
from app.hotpath.write import Writing, hot_write_of, read
from app.idempotency import need_of
from app.ids import new_id
from app.principal import ANONYMOUS, CORE_AUDIENCE, Principal

log = logging.getLogger("suxin.hotpath")
Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]
Recall = Callable[[str], Principal | None]

_SEGMENT = re.compile(r"[A-Za-z0-9_.~-]{1,80}")
# A request with one of these wants more than the plain answer.
_UNUSUAL = (
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_RANGE",
    "HTTP_DPOP",
    "HTTP_EXPECT",
    "HTTP_COOKIE",
    "HTTP_TRACEPARENT",
)
# No connection, a value outside the compiled forms (a date before Christ), a sealed value that does not open
# or whose key is not loaded yet (RuntimeError: there is no app context).
_ORDINARY_DECIDES = (StatementFailed, ValueError, TypeError, LookupError, RuntimeError, CannotOpen, SQLAlchemyError)
_PER_REQUEST = frozenset({"content-length", "x-request-id", "traceparent", "date"})
_UNREPEATABLE = frozenset({"set-cookie", "etag", "content-language", "last-modified"})


@runtime_checkable
class RemembersTokens(Protocol):
    """A token verifier that can say at once that it verified this very token before."""

    def memory(self, app: Flask, *, audience: str) -> Recall:
        """Return what tells, without an app context, who holds a bearer token verified before.

        It says None for an expired or revoked token and for any doubt (never
        seen, bound to a key, other audience): the ordinary path then decides.
        """


@dataclass(slots=True)
class Route:
    """One compiled read and what the ordinary path taught about its answers."""

    path: str
    before: str
    after: str | None  # None for a route without a parameter
    parameter: str
    access: Access
    statement: Statement
    dump: Dump
    encode: Callable[[Any], bytes]
    observer: Observer
    headers: Headers | None = None
    from_principal: tuple[str, ...] = field(default=())

    def key_in(self, path: str) -> str | None:
        """Return the path's parameter, or None when the path is another's."""
        after = self.after or ""
        end = len(path) - len(after)
        if end <= len(self.before) or not path.startswith(self.before) or not path.endswith(after):
            return None
        key = path[len(self.before) : end]
        return key if _SEGMENT.fullmatch(key) else None

    def values(self, key: str, who: Principal) -> dict[str, str | None] | None:
        """Return the statement's parameters, or None when the Principal lacks one."""
        values: dict[str, str | None] = {self.parameter: key}
        for name in self.from_principal:
            value = getattr(who, name)
            if value is None:
                return None
            values[name] = value
        return values


@dataclass(slots=True)
class WriteRoute:
    """One compiled insert and the fixed headers of its ordinary answer."""

    access: Access
    writing: Writing
    observer: Observer
    headers: Headers | None = None

    @property
    def status(self) -> str:
        """The status line of success."""
        return "201 CREATED" if self.writing.write.status == 201 else f"{self.writing.write.status} OK"


def _noting(route: WriteRoute, start_response: Any) -> Any:
    def noted(status: str, headers: Headers, *rest: Any) -> Any:
        names = {name.lower() for name, _ in headers}
        if status == route.status and not names & (_UNREPEATABLE | {"location", "idempotent-replayed"}):
            route.headers = [pair for pair in headers if pair[0].lower() not in _PER_REQUEST]
        return start_response(status, headers, *rest)

    return noted


class HotPath:
    """The app's WSGI callable with compiled reads in front of it.

    A route is live in a process only after an ordinary answer there was found
    equal, byte for byte; that answer's fixed headers are then used as well.
    """

    def __init__(self, app: Flask, ordinary: Wsgi, routes: list[Route], lines: Lines) -> None:
        self.app, self.ordinary, self.routes, self.lines = app, ordinary, routes, lines
        self._exact = {route.before: route for route in routes if route.after is None}
        self._patterns = [route for route in routes if route.after is not None]
        self.answered = 0
        self.writes: dict[str, WriteRoute] = {}
        self._recall: Recall | None = None

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer from a compiled read, or let the ordinary path answer."""
        if environ.get("QUERY_STRING"):
            return self.ordinary(environ, start_response)
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "POST" and path in self.writes:
            return self._write(self.writes[path], environ, start_response)
        if environ["REQUEST_METHOD"] != "GET":
            return self.ordinary(environ, start_response)
        if path in self._exact:
            return self._answer(self._exact[path], "", environ, start_response)
        for route in self._patterns:
            key = route.key_in(path)
            if key is not None:
                return self._answer(route, key, environ, start_response)
        return self.ordinary(environ, start_response)

    def _answer(self, route: Route, key: str, environ: Environ, start_response: Any) -> Iterable[bytes]:
        started = time.perf_counter()
        body = self._body(route, key, environ)
        if body is None:
            return self.ordinary(environ, start_response)
        if route.headers is None:
            return self._learn(route, body, environ, start_response)
        self.answered += 1
        request_id = new_id("request")
        own = [("Content-Length", str(len(body))), ("X-Request-Id", request_id)]
        start_response("200 OK", [*route.headers, *own])
        route.observer.note(request_id, time.perf_counter() - started)
        return (body,)

    def _body(self, route: Route, key: str, environ: Environ) -> bytes | None:
        try:
            who = self._caller(route.access, environ)
            values = route.values(key, who) if who is not None else None
            if who is None or values is None:
                return None
            row = self.lines.one(route.statement, values)
            return None if row is None else route.encode(route.dump(row, who))
        except _ORDINARY_DECIDES:
            return None

    def _caller(self, access: Access, environ: Environ) -> Principal | None:
        if "suxin.db.bind" in self.app.extensions or not environ.keys().isdisjoint(_UNUSUAL):
            return None
        if access.public_because is not None:
            # As on the ordinary path, nobody looks at a token here.
            return ANONYMOUS
        authorization = environ.get("HTTP_AUTHORIZATION")
        recall = self._recall or self._find_memory()
        who = recall(authorization) if authorization and recall is not None else None
        if who is None:
            return None
        try:
            check(access, who)
        except NotAllowed:
            return None
        return who

    def _find_memory(self) -> Recall | None:
        with self.app.app_context():
            found: Any = next(iter(token_verifier.all().values()), None)
        if isinstance(found, RemembersTokens):
            self._recall = found.memory(self.app, audience=CORE_AUDIENCE)
        return self._recall

    def _write(self, route: WriteRoute, environ: Environ, start_response: Any) -> Iterable[bytes]:
        started = time.perf_counter()
        body = self._written(route, environ) if route.headers is not None else None
        if body is None or route.headers is None:
            return self.ordinary(environ, _noting(route, start_response))
        self.answered += 1
        request_id = new_id("request")
        own = [("Content-Length", str(len(body))), ("X-Request-Id", request_id)]
        start_response(route.status, [*route.headers, *own])
        route.observer.note(request_id, time.perf_counter() - started)
        return (body,)

    def _written(self, route: WriteRoute, environ: Environ) -> bytes | None:
        try:
            who = self._caller(route.access, environ)
            raw = read(environ) if who is not None else None
            if who is None or raw is None:
                return None
            made = route.writing.intent(who, environ, raw)
            # No row: the key was used before, or is held right now. The ordinary path knows what to answer.
            return None if made is None or self.lines.row(made.statement, made.parameters) is None else made.body
        except _ORDINARY_DECIDES:
            return None

    def _learn(self, route: Route, body: bytes, environ: Environ, start_response: Any) -> Iterable[bytes]:
        said: list[tuple[str, Headers]] = []
        chunks = self.ordinary(environ, lambda status, headers, *_: said.append((status, list(headers))))
        answer = b"".join(chunks)
        cast(Any, getattr(chunks, "close", lambda: None))()
        status, headers = said[-1]
        names = {name.lower() for name, _ in headers}
        if status == "200 OK" and answer == body and not names & _UNREPEATABLE:
            route.headers = [pair for pair in headers if pair[0].lower() not in _PER_REQUEST]
        elif status == "200 OK":
            log.warning("hot path differs from the ordinary answer", extra={"route": route.path})
        start_response(status, headers)
        return (answer,)


def install(app: Flask) -> list[str]:
    """Compile every declared read of the app and put them before Flask; returns their paths.

    Raises `CannotCompile` at start for one that cannot be exact. Call it last,
    when every blueprint is mounted.
    """
    routes = [compiled for rule in app.url_map.iter_rules() if (compiled := _compiled(app, rule)) is not None]
    writes = {rule.rule: made for rule in app.url_map.iter_rules() if (made := _compiled_write(app, rule)) is not None}
    if routes or writes:
        db: Database = app.extensions["suxin.db"]
        url = db.write.url.set(drivername="postgresql").render_as_string(hide_password=False)
        lines = Lines(url, "-c timezone=UTC -c statement_timeout=5000")
        hot = HotPath(app, app.wsgi_app, routes, lines)
        hot.writes = writes
        app.wsgi_app = app.extensions["suxin.hotpath"] = hot  # type: ignore[method-assign]
    return [route.path for route in routes] + list(writes)


def _compiled(app: Flask, rule: Rule) -> Route | None:
    view = app.view_functions[rule.endpoint]
    declared, access = hot_read_of(view), access_of(view, "GET")
    if declared is None or access is None or "GET" not in (rule.methods or ()):
        return None
    return _route(app, rule.rule, declared, access, _shape(rule))


def _compiled_write(app: Flask, rule: Rule) -> WriteRoute | None:
    view = app.view_functions[rule.endpoint]
    write, access = hot_write_of(view), access_of(view, "POST")
    if write is None or access is None or "POST" not in (rule.methods or ()):
        return None
    need = need_of(view, "POST")
    if "<" in rule.rule or need is None:
        raise CannotCompile(f"{rule.rule}: a compiled write is idempotent and takes no parameter")
    writing = Writing(app.extensions["suxin.db"], write, rule.endpoint, need, encoder(app, write.shown))
    return WriteRoute(access, writing, Observer.of(rule.rule, "POST", write.status))


def _route(app: Flask, path: str, declared: HotRead, access: Access, shape: tuple[str, str | None, str]) -> Route:
    before, after, parameter = shape
    columns = {column.key: column for column in declared.select.selected_columns}
    statement = compile_statement("hot " + path, declared.select)
    from_principal = tuple(sorted(statement.needed - {parameter}))
    unknown = [name for name in from_principal if name not in Principal.__dataclass_fields__]
    if unknown or (from_principal and access.public_because is not None):
        raise CannotCompile(f"{path}: nothing fills {', '.join(unknown or from_principal)}")
    show = None if declared.show is None else (declared.show, cast(Vault, app.extensions["suxin.vault"]))
    return Route(
        path=path,
        before=before,
        after=after,
        parameter=parameter,
        access=access,
        statement=statement,
        dump=serializer(declared.schema, cast(Mapping[str, sa.ColumnElement[Any]], columns), show),
        encode=encoder(app, declared.schema),
        observer=Observer.of(path, "GET", 200),
        from_principal=from_principal,
    )


def _shape(rule: Rule) -> tuple[str, str | None, str]:
    parts = re.split(r"<(?:string:)?(\w+)>", rule.rule)
    if len(parts) == 1:
        return rule.rule, None, ""
    if len(parts) != 3 or "<" in parts[0] + parts[2]:
        raise CannotCompile(f"{rule.rule}: a hot path takes one plain parameter at most")
    return parts[0], parts[2], parts[1]


def encoder(app: Flask, schema: type[Schema] | None = None) -> Callable[[Any], bytes]:
    """Return the quickest function that writes JSON as the app's own provider does; quicker yet for a plain schema."""
    sample = {"b": "中\u2028<&>", "a": [1, None, True, {"d": 1.5}]}
    with app.app_context(), app.test_request_context():
        wanted = cast(Response, app.json.response(sample)).get_data()
    for ascii_only in (False, True):
        write = json.JSONEncoder(ensure_ascii=ascii_only, sort_keys=True, separators=(",", ":")).encode
        if _line(write, sample) == wanted:
            quick = not ascii_only and schema is not None and plain(schema())
            return _quick_line if quick else functools.partial(_line, write)
    return lambda value: cast(Response, app.json.response(value)).get_data()


def _quick_line(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _line(write: Callable[[Any], str], value: Any) -> bytes:
    return write(value).encode() + b"\n"
