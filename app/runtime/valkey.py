"""The embedded Valkey that carries jobs: private socket, every second on disk, never drops a job."""

from __future__ import annotations

import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.runtime import keeper as keeping
from app.runtime.children import Child, Keeper, launch
from app.runtime.errors import CannotStart
from app.runtime.paths import Places

_PATIENCE_SECONDS = 30.0


@dataclass(slots=True)
class Valkey:
    """A running server."""

    child: Child
    socket: Path

    @property
    def url(self) -> str:
        """Its address as Celery spells it."""
        return url_of(self.socket)


def url_of(path: Path) -> str:
    """Return the broker address of a socket."""
    return f"redis+socket://{path}"


def start(places: Places, program: Path, keeper: Keeper) -> Valkey:
    """Start the server of these places; ends first one that a crash left behind."""
    data = places.server_folder("valkey")
    path = places.socket_folder("valkey") / "valkey.sock"
    _end_orphan(data)
    path.unlink(missing_ok=True)
    settings = {
        "port": "0", "unixsocket": f'"{path}"', "unixsocketperm": "700", "dir": f'"{data}"', "daemonize": "no",
        "appendonly": "yes", "appendfsync": "everysec", "save": '""', "maxmemory": "256mb", "logfile": '""',
        "maxmemory-policy": "noeviction", "pidfile": f'"{data / "valkey.pid"}"', "databases": "1",
    }  # fmt: skip
    config = data / "valkey.conf"
    places.account.write(config, "".join(f"{name} {value}\n" for name, value in settings.items()))
    child = launch(
        "valkey", [program, config], keeper=keeper, log=places.logs / "valkey.log", env={"LC_ALL": "C"}, cwd=data,
        how=signal.SIGTERM, account=places.account,
    )  # fmt: skip
    _wait_ready(child, path)
    return Valkey(child, path)


def _end_orphan(data: Path) -> None:
    with suppress(OSError, ValueError):
        pid = int((data / "valkey.pid").read_text())
        if Path(f"/proc/{pid}/cwd").resolve() == data.resolve():
            keeping.stop(pid, keeping.start_time(pid), signal.SIGTERM)


def _wait_ready(child: Child, path: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if _answers(path):
            return
        if not child.running:
            child.collect()
            raise CannotStart(f"Valkey does not start: {child.last_words(1) or 'no reason given'} (see {child.log}).")
        time.sleep(0.01)
    child.stop()
    raise CannotStart(f"Valkey was not ready after {_PATIENCE_SECONDS:.0f} seconds; see {child.log}.")


def _answers(path: Path) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as link:
        link.settimeout(1)
        link.connect(str(path))
        link.sendall(b"PING\r\n")
        return link.recv(16).startswith(b"+PONG")
    return False
