"""`python -m plugins.health.insurer.simulator`: serve until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading

from plugins.health.insurer.simulator.faults import Faults
from plugins.health.insurer.simulator.server import Server
from plugins.health.insurer.simulator.store import Store
from plugins.health.insurer.simulator.world import demo_world


def main() -> int:
    """Serve the insurer that SUXIN_SIMULATOR_DATABASE_URL and SUXIN_SIMULATOR_SOCKET describe."""
    try:
        url, socket = os.environ["SUXIN_SIMULATOR_DATABASE_URL"], os.environ["SUXIN_SIMULATOR_SOCKET"]
        faults = Faults.from_text(os.environ.get("SUXIN_SIMULATOR_FAULTS", ""))
    except KeyError as missing:
        return _cannot_start(f"{missing.args[0]} is not set.")
    except ValueError as error:
        return _cannot_start(f"SUXIN_SIMULATOR_FAULTS cannot be used: {error}.")
    store = Store(url)
    store.create(demo_world())
    server = Server(socket, store, faults)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
        store.close()
    return 0


def _cannot_start(reason: str) -> int:
    sys.stderr.write(reason + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
