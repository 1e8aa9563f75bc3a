"""`python -m identity.face.gateway.simulator`: serve at SUXIN_SIMULATOR_SOCKET until SIGTERM."""

from __future__ import annotations

import sys

from identity.face.gateway.simulator.server import Server
from identity.simulating import serve, socket_path

if __name__ == "__main__":
    sys.exit(serve(Server(socket_path())))
