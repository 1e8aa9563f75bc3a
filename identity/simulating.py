"""What every simulator of an outside party has: HTTP on a private unix socket, and faults planned on purpose."""

from __future__ import annotations

import contextlib
import os
import signal
import socketserver
import stat
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves on a socket only its owner may open (0600), one thread a connection; the file goes with the server."""

    daemon_threads = True

    def __init__(self, path: str, handler: type[BaseHTTPRequestHandler]) -> None:
        self.path = Path(path)
        # A socket that a killed process left behind would refuse the bind.
        self._remove()
        previous = os.umask(0o177)
        try:
            super().__init__(path, handler)
        finally:
            os.umask(previous)

    def server_close(self) -> None:
        """Stop listening."""
        super().server_close()
        self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(self.path.stat().st_mode):
                self.path.unlink()


class Handler(BaseHTTPRequestHandler):
    """One connection; nothing of it is logged, for questions carry personal data."""

    protocol_version = "HTTP/1.1"

    def body(self, most: int) -> bytes:
        """Return the request's body, `most` bytes of it; raises `ValueError`."""
        return self.rfile.read(min(int(self.headers.get("Content-Length", "0")), most))

    def send(self, status: int, body: bytes, *, kind: str = "application/json", **headers: str) -> None:
        """Answer; who has hung up gets nothing. An underscore in a header's name stands for its hyphen."""
        try:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def address_string(self) -> str:
        """Unix sockets have no peer address."""
        return "local"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour; `seconds` is how late a late answer comes."""

    kind: str
    seconds: float


class Faults:
    """Which misbehaviours the next questions meet, in the order they were planned."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self._planned: deque[Fault] = deque()
        self._lock = threading.Lock()

    def plan(self, kind: str, *, times: int = 1, seconds: float = 2.0) -> None:
        """Let the next `times` questions meet a fault; raises `ValueError` for an unknown kind."""
        if kind not in self.kinds:
            raise ValueError(f"write one of {', '.join(self.kinds)}")
        with self._lock:
            self._planned.extend([Fault(kind, seconds)] * times)

    def clear(self) -> None:
        """Behave well from now on."""
        with self._lock:
            self._planned.clear()

    def next(self) -> Fault | None:
        """Return what this question meets, if anything."""
        with self._lock:
            return self._planned.popleft() if self._planned else None

    def control(self, said: Mapping[str, Any]) -> None:
        """Do what `POST /control` says: clear, or plan a kind; raises `KeyError` or `ValueError`."""
        if said.get("clear"):
            self.clear()
        else:
            self.plan(str(said["kind"]), times=int(said.get("times", 1)), seconds=float(said.get("seconds", 2)))


def socket_path() -> str:
    """Return what SUXIN_SIMULATOR_SOCKET names; ends the process with code 2 where it names nothing."""
    path = os.environ.get("SUXIN_SIMULATOR_SOCKET", "")
    if not path:
        sys.stderr.write("SUXIN_SIMULATOR_SOCKET is not set.\n")
        raise SystemExit(2)
    return path


def serve(server: socketserver.BaseServer) -> int:
    """Serve until SIGTERM, then close; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
    return 0
