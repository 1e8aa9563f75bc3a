"""A client whose requests share no memory of each other, as in life."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from app.db import UnitOfWork
from tests.api.identity.registers import register_processes, registers

__all__ = ["client", "register_processes", "registers"]


class _Forgetful(FlaskClient):
    def open(self, *args: Any, **kwargs: Any) -> Any:
        # The kit holds an app context open, so `g` would carry the last caller into the next request.
        for name in list(g):
            g.pop(name)
        return super().open(*args, **kwargs)


@pytest.fixture
def client(app: Flask, work: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a client on the test's rolled-back transaction."""
    work.commit()
    monkeypatch.setattr(app, "test_client_class", _Forgetful)
    return app.test_client()
