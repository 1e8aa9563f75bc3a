"""`python -m identity.face.gateway.simulator`: serve until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading

from identity.face.gateway.simulator.server import Server


def main() -> int:
    """Serve the gateway on the socket that SUXIN_SIMULATOR_SOCKET names."""
    path = os.environ.get("SUXIN_SIMULATOR_SOCKET")
    if not path:
        sys.stderr.write("SUXIN_SIMULATOR_SOCKET is not set.\n")
        return 2
    server = Server(path)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
