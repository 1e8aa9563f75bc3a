"""A plugin in a process of its own: its calls are forwarded, its caller is vouched for by signature."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Blueprint, Response, current_app, g, request
from joserfc.jwk import OKPKey

from app import crypto
from app.db import outside_wait
from app.errors import DomainError
from app.guards import InsufficientScope, principal, require
from app.ids import new_id
from app.registry.contract import Plugin
from app.registry.deadline import deadline, transport
from app.registry.upstream import HEADER, sign
from app.text import Text

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
DEADLINE_SECONDS = 10.0
MOST_BYTES = 8_000_000
_PRINCIPAL_SECONDS = 60
_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
# What says who calls is ours to say; the citizen's token and cookies stay with the core.
_IDENTITY = frozenset({
    "authorization", "cookie", "dpop", "forwarded", "host", "remote-user", "content-length", "accept-encoding",
    "x-real-ip", "x-remote-user", "x-user", "x-auth-request-user", "expect",
})  # fmt: skip
_NEVER_BACK = frozenset({"content-length", "content-encoding", "server", "date", "set-cookie"})


class PluginUnreachable(DomainError):
    status = 502
    title = Text("该服务没有正常应答", "The service behind this address does not answer properly")
    next_step = Text("请稍后再试", "Try again later")


class PluginTimedOut(DomainError):
    status = 504
    title = Text("该服务应答超时", "The service behind this address takes too long")
    next_step = Text("请稍后再试", "Try again later")


def blueprint(plugin: Plugin) -> Blueprint:
    """Return the routes that forward everything below `/api/<name>/`.

    The caller must be signed in and, where the plugin declares scopes, hold one of them.
    """
    routes = Blueprint(plugin.name, __name__)
    client = _client(plugin)

    @require()
    def forward(path: str = "") -> Response:
        _holds_one(plugin)
        return _forward(plugin, client, path)

    routes.add_url_rule("/", "forward", forward, methods=METHODS)
    routes.add_url_rule("/<path:path>", "forward", forward, methods=METHODS)
    return routes


def signing_key(name: str) -> OKPKey:
    """Return the key that vouches for callers towards one plugin; stable per installation."""
    private = Ed25519PrivateKey.from_private_bytes(crypto.derive(f"proxy.{name}"))
    return OKPKey.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _holds_one(plugin: Plugin) -> None:
    if plugin.scopes and not principal().scopes & set(plugin.scopes):
        raise InsufficientScope(required=sorted(plugin.scopes))


def _client(plugin: Plugin) -> httpx.Client:
    address = plugin.upstream or ""
    limits = httpx.Limits(max_connections=plugin.slots)
    if address.startswith("unix:"):
        socket = transport(limits=limits, uds=address.removeprefix("unix:"))
        return httpx.Client(transport=socket, base_url="http://plugin", timeout=DEADLINE_SECONDS)
    return httpx.Client(transport=transport(limits=limits), base_url=address, timeout=DEADLINE_SECONDS)


def _forward(plugin: Plugin, client: httpx.Client, path: str) -> Response:
    target = "/" + quote(path, safe="/:@!$&'()*+,;=~-._")
    headers = _sendable(request.headers.items(), request.headers.get("Connection", ""))
    headers.append((HEADER, sign(_claims(plugin, target), signing_key(plugin.name))))
    query = request.query_string.decode("latin-1")
    outgoing = client.build_request(
        request.method, f"{target}?{query}" if query else target, headers=headers, content=request.get_data()
    )
    with outside_wait():
        return _answer(plugin, client, outgoing)


def _answer(plugin: Plugin, client: httpx.Client, outgoing: httpx.Request) -> Response:
    try:
        with deadline(DEADLINE_SECONDS):
            incoming = client.send(outgoing, stream=True)
            try:
                body = _read(plugin, incoming)
            finally:
                incoming.close()
    except httpx.TimeoutException:
        raise PluginTimedOut(plugin=plugin.name) from None
    except httpx.HTTPError:
        raise PluginUnreachable(plugin=plugin.name) from None
    answer = Response(body, status=incoming.status_code)
    answer.headers.clear()
    for name, value in _returnable(incoming.headers):
        answer.headers.add(name, value)
    return answer


def _read(plugin: Plugin, incoming: httpx.Response) -> bytes:
    body = bytearray()
    for piece in incoming.iter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            raise PluginUnreachable(plugin=plugin.name, largest_bytes=MOST_BYTES)
    return bytes(body)


def _sendable(headers: Iterable[tuple[str, str]], connection: str) -> list[tuple[str, str]]:
    named = {word.strip().lower() for word in connection.split(",")}
    return [
        (name, value)
        for name, value in headers
        if (lower := name.lower().replace("_", "-")) not in _HOP_BY_HOP | _IDENTITY | named
        and not lower.startswith(("x-suxin-", "x-forwarded-"))
    ] + [("Accept-Encoding", "identity")]


def _returnable(headers: httpx.Headers) -> list[tuple[str, str]]:
    named = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    unwanted = _HOP_BY_HOP | _NEVER_BACK | named
    return [(name, value) for name, value in headers.multi_items() if name.lower() not in unwanted]


def _claims(plugin: Plugin, path: str) -> dict[str, Any]:
    who, at = principal(), int(time.time())
    return {
        "iss": current_app.config["SETTINGS"].base_url, "aud": plugin.name, "iat": at, "exp": at + _PRINCIPAL_SECONDS,
        "jti": new_id("call"), "method": request.method, "path": path, "request_id": g.get("request_id"),
        "kind": who.kind.value, "sub": who.subject or who.actor, "actor": who.actor, "acting_for": who.acting_for,
        "capacity": who.capacity, "organisation": who.organisation, "terminal": who.terminal, "purpose": who.purpose,
        "scopes": sorted(who.scopes & set(plugin.scopes)), "proofing_level": who.proofing_level,
        "authentication_level": who.authentication_level,
    }  # fmt: skip
