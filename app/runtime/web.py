"""The web server: the city is built once, then every worker is a fork of it."""

from __future__ import annotations

import multiprocessing
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from app.config import Settings


def main() -> None:
    """Serve the city that `wsgi` describes until SIGTERM."""
    from app.registry.bulkhead import threads_needed
    from wsgi import application

    settings = application.config["SETTINGS"]
    threads = threads_needed(application.extensions["suxin.registry"], settings)
    # Connections of the parent would be one conversation held by several processes.
    application.extensions["suxin.db"].dispose()
    multiprocessing.set_start_method("fork")
    server(settings, threads=threads).serve(target_loader=lambda: application, wrap_loader=False)


def server(settings: Settings, *, threads: int) -> Any:
    """Return the server of the settings; a worker that dies is forked anew from the same start."""
    return Server(
        "wsgi:application",
        address="127.0.0.1",
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_workers,
        blocking_threads=threads,
        websockets=False,
        http=HTTPModes.http1,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
        log_level=LogLevels.warning,
    )


if __name__ == "__main__":
    main()
