"""A city without capabilities or plugins: the kernel alone, on a real database."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app import crypto, db, errors, guards, telemetry
from app.crypto import KeyRing
from app.factory import CityApp
from app.testing import test_settings


@pytest.fixture
def kernel(database_url: str, ring: KeyRing) -> Iterator[Flask]:
    app = CityApp("kernel", static_folder=None)
    app.config["SETTINGS"] = test_settings(database_url)
    errors.install(app)
    telemetry.install(app)
    db.install(app, db.Database.connect(database_url, pool_size=8, statement_timeout_ms=5000))
    crypto.install(app, ring)
    guards.install(app)
    guards.token_verifier.bind(app, "nobody", _Nobody())
    with app.app_context():
        yield app
    app.extensions["suxin.db"].dispose()


class _Nobody:
    def verify(self, incoming: object, *, audience: str) -> None:
        return None
