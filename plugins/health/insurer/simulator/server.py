"""HTTP on a unix socket: envelopes in, envelopes out, faults between."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socketserver
import stat
import time
from decimal import Decimal, InvalidOperation
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from plugins.health.insurer.envelope import MESSAGE_ID
from plugins.health.insurer.simulator.faults import Fault, Faults
from plugins.health.insurer.simulator.store import Row, Store
from plugins.health.insurer.simulator.transactions import No, run

_MAX_BODY = 1_000_000


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves one simulated insurer; one thread per connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, store: Store, faults: Faults) -> None:
        # A socket that a killed process left behind would refuse the bind.
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(Path(path).stat().st_mode):
                Path(path).unlink()
        previous = os.umask(0o177)
        try:
            super().__init__(path, Handler)
        finally:
            os.umask(previous)
        self.store, self.faults = store, faults

    def answer(self, message: Row) -> Row:
        """Return the envelope that answers a message; the same message id answers the same."""
        msgid, transaction = str(message.get("msgid")), str(message.get("infno"))
        if not MESSAGE_ID.fullmatch(msgid):
            return _envelope(msgid, {}, "MSGID")
        digest = hashlib.sha256(json.dumps([transaction, message.get("input")], sort_keys=True).encode()).hexdigest()
        try:
            with self.store.transaction() as books:
                books.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (msgid,))
                before = books.execute("SELECT digest, answer FROM message WHERE msgid = %s", (msgid,)).fetchone()
                if before is not None:
                    return before["answer"] if before["digest"] == digest else _envelope(msgid, {}, "DUPLICATE_MSGID")
                said = _envelope(msgid, run(books, transaction, message), None)
                books.execute(
                    "INSERT INTO message VALUES (%s, %s, %s, %s)", (msgid, transaction, digest, json.dumps(said))
                )
                return said
        except No as no:
            return _envelope(msgid, {}, no.code)
        except (KeyError, TypeError, ValueError, InvalidOperation):
            return _envelope(msgid, {}, "CONTENT")


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._send(200, {"status": "ok"})

    def do_POST(self) -> None:
        try:
            size = int(self.headers.get("Content-Length", "0"))
            said = json.loads(self.rfile.read(min(size, _MAX_BODY)), parse_float=Decimal)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            self._send(400, {"error": "not a JSON object"})
        elif self.path == "/control":
            self._control(said)
        else:
            self._transact(said)

    def _control(self, said: dict[str, Any]) -> None:
        try:
            if said.get("clear"):
                self.server.faults.clear()
            else:
                fault = Fault(
                    kind=str(said["kind"]), seconds=float(said.get("seconds", 2)), code=str(said.get("code", "FROZEN"))
                )
                self.server.faults.plan(str(said.get("transaction", "*")), fault, times=int(said.get("times", 1)))
        except (KeyError, TypeError, ValueError) as error:
            self._send(400, {"error": str(error)})
        else:
            self._send(200, {"status": "planned"})

    def _transact(self, message: Row) -> None:
        fault = self.server.faults.next(str(message.get("infno")))
        kind = fault.kind if fault else ""
        if kind == "lose_request":
            self.close_connection = True
        elif kind == "down":
            self._send(503, {"error": "down"})
        elif fault and kind == "refuse":
            self._send(200, _envelope(str(message.get("msgid")), {}, fault.code))
        else:
            self._work(message, fault)

    def _work(self, message: Row, fault: Fault | None) -> None:
        kind, seconds = (fault.kind, fault.seconds) if fault else ("", 0.0)
        if kind == "late_work":
            time.sleep(seconds)
        said = self.server.answer(message)
        if kind == "duplicate":
            said = self.server.answer(message)
        if kind == "late_answer":
            time.sleep(seconds)
        if kind == "lose_answer":
            self.close_connection = True
        else:
            self._send(200, {"garbled": True} if kind == "garble" else said)

    def _send(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body, ensure_ascii=False).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
        except OSError:
            self.close_connection = True

    def address_string(self) -> str:
        """Unix sockets have no peer address."""
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: messages carry personal data."""


def _envelope(msgid: str, output: Row, code: str | None) -> Row:
    return {
        "infcode": "0" if code is None else "-1",
        "inf_refmsgid": msgid,
        "refmsg_time": time.strftime("%Y%m%d%H%M%S"),
        "respond_time": time.strftime("%Y%m%d%H%M%S"),
        "err_msg": "" if code is None else f"[{code}]",
        "output": output,
    }
