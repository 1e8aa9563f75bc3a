"""Is a pooled connection still good? Mostly the socket tells, without a round trip."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Engine

# A server that stops says so on the socket. Only a network that forgets a silent connection does not, after minutes.
SILENT_SECONDS = 5.0


def install(engine: Engine) -> None:
    """Let `pool_pre_ping` ask the server only where the socket cannot tell."""
    dialect: Any = engine.dialect
    dialect.do_ping = QuickPing(dialect.do_ping)


class QuickPing:
    """Tells at once that a connection used just now is good when its socket has nothing to say; else asks it."""

    def __init__(self, thorough: Callable[[Any], bool]) -> None:
        self._thorough = thorough
        self._used: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    def __call__(self, connection: psycopg.Connection[Any]) -> bool:
        """Return whether the connection is good; raises what the thorough ping raises."""
        present = time.monotonic()
        silent = present - self._used.get(connection, float("-inf"))
        self._used[connection] = present
        return (silent < SILENT_SECONDS and _quiet(connection)) or self._thorough(connection)


def _quiet(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether nothing waits to be read: no farewell, no end of the stream."""
    try:
        socket = connection.pgconn.socket
    except psycopg.Error:
        return False
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return not poll.poll(0)
