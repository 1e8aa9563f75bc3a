"""`python -m identity.federation.simulator`: serve until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from identity.federation.simulator.faults import Faults
from identity.federation.simulator.server import Control, Public, in_background
from identity.federation.simulator.world import demo_world


def main() -> int:
    """Serve the province whose socket SUXIN_SIMULATOR_SOCKET names; it keeps its TCP port beside it."""
    socket = os.environ.get("SUXIN_SIMULATOR_SOCKET")
    if not socket:
        sys.stderr.write("SUXIN_SIMULATOR_SOCKET is not set.\n")
        return 2
    kept = Path(socket).parent / "port"
    public = Public(demo_world(), Faults(), port=_port(kept))
    kept.write_text(str(public.server_port))
    control = Control(socket, public.province)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=public.shutdown).start())
    in_background(control)
    try:
        public.serve_forever(poll_interval=0.2)
    finally:
        control.shutdown()
        control.server_close()
        public.server_close()
    return 0


def _port(kept: Path) -> int:
    try:
        return int(kept.read_text())
    except (OSError, ValueError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
