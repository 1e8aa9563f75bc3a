"""A client without a cookie jar: each request says itself whose browser it is."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from app.db import UnitOfWork


class _Bare(FlaskClient):
    def open(self, *args: Any, **kwargs: Any) -> Any:
        for name in list(g):
            g.pop(name)
        return super().open(*args, **kwargs)


@pytest.fixture
def browser(app: Flask, work: UnitOfWork) -> FlaskClient:
    """Return a client on the test's rolled-back transaction that keeps no cookies."""
    return _Bare(app, app.response_class, use_cookies=False)
