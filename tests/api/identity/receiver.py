"""A client's back-channel door on this machine, which can be told to fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Door:
    """What came, and what is answered to it."""

    port: int = 0
    answer: int = 200
    location: str | None = None
    came: list[str] = field(default_factory=list)

    @property
    def uri(self) -> str:
        """The address to register."""
        return f"http://127.0.0.1:{self.port}/logout"


@contextmanager
def open_door() -> Iterator[Door]:
    """Listen on a free port of the loopback address."""
    door = Door()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            door.came += parse_qs(body).get("logout_token", [])
            self.send_response(door.answer)
            if door.location:
                self.send_header("Location", door.location)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    door.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
