"""`python -m identity.federation.simulator`: serve until SIGTERM."""

from __future__ import annotations

import sys
from pathlib import Path

from identity.federation.simulator.faults import Faults
from identity.federation.simulator.server import Control, Public, in_background
from identity.federation.simulator.world import demo_world
from identity.simulating import serve, socket_path


def main() -> int:
    """Serve the province until SIGTERM; it keeps its TCP port beside its socket."""
    socket = socket_path()
    kept = Path(socket).parent / "port"
    public = Public(demo_world(), Faults(), port=_port(kept))
    kept.write_text(str(public.server_port))
    control = Control(socket, public.province)
    in_background(control)
    try:
        return serve(public)
    finally:
        control.shutdown()
        control.server_close()


def _port(kept: Path) -> int:
    try:
        return int(kept.read_text())
    except (OSError, ValueError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
