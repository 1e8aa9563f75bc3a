"""A pooled connection that the server closed is never handed out, though nobody asks the server in between."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.db import database, session, unit_of_work
from app.pinging import QuickPing


def _own() -> int:
    with unit_of_work():
        return int(session().execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_connection_closed_while_it_lay_in_the_pool_is_replaced(kernel: Flask) -> None:
    first = _own()
    with database().read.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})

    assert _own() != first


@pytest.mark.parametrize(("silent", "asked"), [(0.0, 1), (60.0, 2)])
def test_a_connection_that_was_silent_for_long_is_asked(
    kernel: Flask, monkeypatch: pytest.MonkeyPatch, silent: float, asked: int
) -> None:
    clock = [100.0]
    seen: list[object] = []

    def thorough(connection: object) -> bool:
        seen.append(connection)
        return True

    monkeypatch.setattr("app.pinging.time.monotonic", lambda: clock[0])
    ping = QuickPing(thorough)

    with unit_of_work():
        link = session().connection().connection.driver_connection
        ping(link)  # type: ignore[arg-type]
        clock[0] += silent
        ping(link)  # type: ignore[arg-type]

    assert len(seen) == asked
