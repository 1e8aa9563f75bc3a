"""A private PostgreSQL for the length of a `with` block: what tests and benchmarks stand on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.runtime import postgres
from app.runtime.binaries import postgres_programs
from app.runtime.children import Keeper
from app.runtime.paths import open_places


@contextmanager
def embedded_postgres(directory: Path, *, durable: bool = True) -> Iterator[str]:
    """Yield the URL of database `suxin`, whose login may create databases.

    The data stay in the directory, or below /var/lib/suxin where root's
    unprivileged account cannot enter it; without `durable` they are not
    synced to disk and such a far place is removed at the end. The server ends
    with the block and with this process, also by SIGKILL.
    """
    places = open_places(directory)
    keeper = Keeper()
    try:
        server = postgres.start(places, postgres_programs(places), keeper, durable=durable)
        try:
            yield server.url()
        finally:
            server.stop()
    finally:
        keeper.close()
        for far in {places.servers, places.sockets} if not durable else set():
            if not far.is_relative_to(places.state):
                shutil.rmtree(far, ignore_errors=True)
