"""The real city in this process, without a database: identity and the plugins a test makes."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from flask import Flask

from app.crypto import KeyRing
from app.factory import create_app
from app.guards import token_verifier
from app.principal import Kind, Principal
from app.registry.contract import Plugin
from app.registry.find import Candidate, find
from app.registry.mount import Registry
from app.testing import test_settings
from app.text import Text

CITIZEN = Principal(
    kind=Kind.CITIZEN, actor="sub_1", subject="sub_1", scopes=frozenset({"far:read", "near:read"}), audience="far"
)
# Nothing listens on port 1: a test that touches the database fails.
SETTINGS = test_settings("postgresql://nobody@127.0.0.1:1/none")


class Verifier:
    """Knows one citizen by `Bearer good`."""

    def verify(self, incoming: Any, *, audience: str) -> Principal | None:
        return CITIZEN if incoming.headers.get("Authorization") == "Bearer good" else None


@cache
def identity() -> Candidate:
    """Return identity as it is found."""
    return next(found for found in find() if found.name == "identity")


def offered(plugin: Plugin, distribution: str | None = None) -> Candidate:
    """Return a plugin as its distribution's entry point would give it."""
    return Candidate(name=plugin.name, distribution=distribution or f"acme-{plugin.name}", version="1", value=plugin)


def mounted(*plugins: Plugin) -> tuple[Flask, Registry]:
    """Return a city with identity and these plugins, and what became of them."""
    app = create_app(SETTINGS, candidates=[identity(), *map(offered, plugins)], ring=KeyRing.fresh())
    app.extensions["suxin.ports"][token_verifier.name] = {"test": Verifier()}
    return app, app.extensions["suxin.registry"]


def made(name: str, **fields: Any) -> Plugin:
    """Return a plugin that brings these fields."""
    return Plugin(name=name, title=Text("服务", "Service"), version="1", api=(1, 0), **fields)


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
