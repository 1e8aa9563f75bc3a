"""Test kit for the core and for plugins: a real database, rolled back after each test.

Load it with `pytest_plugins = ["app.testing"]`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from app.config import Settings
from app.crypto import KeyRing
from app.db import Database, UnitOfWork, driver_url, unit_of_work
from app.errors import NotSignedIn
from app.factory import create_app
from app.guards import token_verifier
from app.migrations.run import upgrade
from app.owners import owners
from app.principal import Kind, Principal, acting_as
from app.runtime.embedded import embedded_postgres

__all__ = [
    "acting",
    "app",
    "base_server",
    "clean_city",
    "client",
    "database_url",
    "ring",
    "sign_in",
    "unverified",
    "work",
]


@pytest.fixture(scope="session")
def base_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated template database on one embedded server per worker; its URL."""
    given = os.environ.get("SUXIN_TEST_DATABASE_URL")
    if given:
        with _scratch_database(given) as url:
            upgrade(url, owners())
            yield url
        return
    with tempfile.TemporaryDirectory(prefix="suxin-") as folder, embedded_postgres(Path(folder), durable=False) as url:
        upgrade(url, owners())
        yield url


@contextmanager
def _scratch_database(url: str) -> Iterator[str]:
    name = f"suxin_test_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_url(url).set(database=name).render_as_string(hide_password=False)
        finally:
            _drop(admin, name)


def _drop(admin: psycopg.Connection[Any], name: str) -> None:
    # FORCE would also end a vacuum worker that happens to be there, as only a superuser may; DROP waits for it.
    ours = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
    admin.execute(ours, [name])
    admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def database_url(base_server: str) -> str:
    """The URL of a migrated, empty database."""
    return base_server


@pytest.fixture(scope="session")
def ring() -> KeyRing:
    """The key-encryption keys of all test cities on one server."""
    return KeyRing.fresh()


@pytest.fixture(scope="session")
def app(database_url: str, ring: KeyRing) -> Iterator[Flask]:
    """The city on the test database, in the demo world."""
    city = create_app(test_settings(database_url), ring=ring)
    yield city
    city.extensions["suxin.db"].dispose()


def test_settings(url: str, **changes: Any) -> Settings:
    """Return settings for a test city."""
    return Settings(database_url=url, base_url="http://city.test", demo=True, log_level="error", **changes)


test_settings.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture
def work(app: Flask) -> Iterator[UnitOfWork]:
    """An open unit of work inside a transaction that is rolled back at the end.

    Commits of the code under test become savepoints.
    """
    db: Database = app.extensions["suxin.db"]
    with db.write.connect() as connection:
        outer = connection.begin()
        app.extensions["suxin.db.bind"] = connection
        try:
            with app.app_context(), unit_of_work() as opened:
                yield opened
        finally:
            app.extensions.pop("suxin.db.bind", None)
            outer.rollback()


class FreshClient(FlaskClient):
    """A client each of whose requests has a `g` of its own, as on a real server."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Make one request."""
        with self.application.app_context():
            return super().open(*args, **kwargs)


@pytest.fixture
def client(app: Flask, work: UnitOfWork) -> FlaskClient:
    """A client whose requests share the test's rolled-back transaction."""
    work.commit()
    return FreshClient(app)


@pytest.fixture
def acting() -> Callable[..., acting_as]:
    """Return a block that runs as a Principal made from keywords."""

    def make(**who: Any) -> acting_as:
        return acting_as(Principal(**{"kind": Kind.CITIZEN, "actor": "party_test", **who}))

    return make


class _Verifier:
    """Accepts `Bearer test-<n>` for the Principals that `sign_in` was given."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.known: dict[str, Principal] = {}

    def verify(self, incoming: Request, *, audience: str) -> Principal | None:
        scheme, _, token = incoming.headers.get("Authorization", "").partition(" ")
        if not token.startswith("test-"):
            found: Principal | None = self.real.verify(incoming, audience=audience)
            return found
        if scheme != "Bearer" or token not in self.known:
            raise NotSignedIn()
        return self.known[token]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@pytest.fixture
def sign_in(app: Flask) -> Iterator[Callable[..., dict[str, str]]]:
    """Return request headers that sign in as a Principal made from keywords."""
    with app.app_context():
        held = app.extensions["suxin.ports"][token_verifier.name]
    name, real = next(iter(held.items()))
    verifier = _Verifier(real)
    held[name] = verifier

    def make(**who: Any) -> dict[str, str]:
        token = f"test-{len(verifier.known)}"
        scopes = frozenset(who.pop("scopes", ()))
        verifier.known[token] = Principal(**{"kind": Kind.CITIZEN, "actor": "party_test", "scopes": scopes, **who})
        return {"Authorization": f"Bearer {token}"}

    yield make
    held[name] = real


@pytest.fixture
def clean_city(database_url: str, ring: KeyRing) -> Iterator[Flask]:
    """A city on a database of its own with real commits, for tests of concurrency."""
    template = make_url(database_url)
    name = f"suxin_clean_{uuid4().hex[:12]}"
    admin = template.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = template.set(database=name).render_as_string(hide_password=False)
    upgrade(url, owners())
    city = create_app(test_settings(url), ring=ring)
    try:
        yield city
    finally:
        city.extensions["suxin.db"].dispose()
        with psycopg.connect(admin, autocommit=True) as connection:
            _drop(connection, name)


@pytest.fixture
def unverified(database_url: str) -> Iterator[Any]:
    """A bare engine on the test database, for looking past the code under test."""
    engine = create_engine(driver_url(database_url))
    yield engine
    engine.dispose()
