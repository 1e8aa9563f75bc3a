"""HTTP on a unix socket: one JSON question in, one JSON answer out, faults between."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socketserver
import stat
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from identity.proofing.simulator.faults import Faults

Said = dict[str, Any]
Question = Callable[[Said], Said]
_MAX_BODY = 100_000


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves one simulated register."""

    daemon_threads = True

    def __init__(self, path: str, questions: Mapping[str, Question]) -> None:
        # A socket that a killed process left behind would refuse the bind.
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(Path(path).stat().st_mode):
                Path(path).unlink()
        previous = os.umask(0o177)
        try:
            super().__init__(path, Handler)
        finally:
            os.umask(previous)
        self.questions, self.faults = dict(questions), Faults()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        said = self._read()
        if said is None:
            self._send(400, b"{}")
        elif self.path == "/control":
            self._control(said)
        elif self.path.lstrip("/") not in self.server.questions:
            self._send(404, b"{}")
        else:
            self._answer(self.server.questions[self.path.lstrip("/")], said)

    def _read(self) -> Said | None:
        try:
            size = int(self.headers.get("Content-Length", "0"))
            said = json.loads(self.rfile.read(min(size, _MAX_BODY)))
        except ValueError:
            return None
        return said if isinstance(said, dict) else None

    def _control(self, said: Said) -> None:
        try:
            if said.get("clear"):
                self.server.faults.clear()
            else:
                times, seconds = int(said.get("times", 1)), float(said.get("seconds", 3))
                self.server.faults.plan(str(said["kind"]), times=times, seconds=seconds)
        except (KeyError, ValueError) as error:
            self._send(400, json.dumps({"error": str(error)}).encode())
        else:
            self._send(200, b"{}")

    def _answer(self, question: Question, said: Said) -> None:
        kind, seconds = self.server.faults.next()
        if kind == "down":
            self._send(503, b"{}")
        elif kind == "lose":
            self.close_connection = True
        elif kind == "garble":
            self._send(200, b"<html>")
        elif kind == "lie":
            self._send(200, b'{"verdict": "certainly"}')
        else:
            time.sleep(seconds if kind == "hang" else 0)
            self._worked(question, said)

    def _worked(self, question: Question, said: Said) -> None:
        try:
            answer = question(said)
        except (KeyError, TypeError, ValueError):
            self._send(400, b"{}")
        else:
            self._send(200, json.dumps(answer, ensure_ascii=False).encode())

    def _send(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def address_string(self) -> str:
        """Unix sockets have no peer address."""
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: questions carry personal data."""


def serve(questions: Mapping[str, Question]) -> int:
    """Serve at SUXIN_SIMULATOR_SOCKET until SIGTERM; returns the exit code."""
    path = os.environ.get("SUXIN_SIMULATOR_SOCKET", "")
    if not path:
        sys.stderr.write("SUXIN_SIMULATOR_SOCKET is not set.\n")
        return 2
    server = Server(path, questions)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
    return 0
