"""HTTP on a unix socket: `/verifications` answers, `/control` plans faults."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import socketserver
import stat
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from identity.face.gateway.simulator.faults import Faults

_MAX_BODY = 12_000_000


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves the simulated gateway; one thread per connection."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        # A socket that a killed process left behind would refuse the bind.
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(Path(path).stat().st_mode):
                Path(path).unlink()
        previous = os.umask(0o177)
        try:
            super().__init__(path, Handler)
        finally:
            os.umask(previous)
        self.faults = Faults()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._send(200, {"status": "ok"})

    def do_POST(self) -> None:
        try:
            said = orjson.loads(self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _MAX_BODY)))
            answer = self._control(said) if self.path == "/control" else self._verify(said)
        except (ValueError, KeyError, TypeError, binascii.Error):
            answer = 400, {"error": "the question cannot be read"}
        if answer is not None:
            self._send(*answer)

    def _control(self, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if said.get("clear"):
            self.server.faults.clear()
        else:
            self.server.faults.plan(
                str(said["kind"]), times=int(said.get("times", 1)), seconds=float(said.get("seconds", 2))
            )
        return 200, {"status": "planned"}

    def _verify(self, said: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        from identity.face.gateway.simulator.judge import judged

        fault = self.server.faults.next()
        kind = fault.kind if fault else ""
        if kind == "hang_up":
            self.close_connection = True
            return None
        if kind == "down":
            return 503, {"error": "down"}
        result = judged(str(said["id_number"]), [base64.b64decode(each) for each in said["frames"]])
        if fault and kind == "late":
            time.sleep(fault.seconds)
        answer = {"request": said["request"], "result": result, "reference": uuid4().hex}
        changed = {
            "garble": {"request": said["request"]},
            "other_request": {**answer, "request": "presence_of_another", "result": "same"},
            "unknown_result": {**answer, "result": "perhaps"},
        }
        return 200, changed.get(kind, answer)

    def _send(self, status: int, body: dict[str, Any]) -> None:
        raw = orjson.dumps(body)
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
        except OSError:
            self.close_connection = True

    def address_string(self) -> str:
        """Unix sockets have no peer address."""
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: questions carry faces."""
