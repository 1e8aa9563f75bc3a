"""HTTP on a unix socket: one JSON question in, one JSON answer out, faults between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from identity import simulating
from identity.simulating import Faults, UnixServer, socket_path

Said = dict[str, Any]
Question = Callable[[Said], Said]
_MAX_BODY = 100_000


class Server(UnixServer):
    """Serves one simulated register.

    Its faults: down (503), hang, lose (hang up), garble (no JSON), lie (a word nobody knows).
    """

    def __init__(self, path: str, questions: Mapping[str, Question]) -> None:
        super().__init__(path, Handler)
        self.questions, self.faults = dict(questions), Faults("down", "hang", "lose", "garble", "lie")


class Handler(simulating.Handler):
    """One connection."""

    server: Server

    def do_POST(self) -> None:
        said = self._read()
        if said is None:
            self.send(400, b"{}")
        elif self.path == "/control":
            self._control(said)
        elif self.path.lstrip("/") not in self.server.questions:
            self.send(404, b"{}")
        else:
            self._answer(self.server.questions[self.path.lstrip("/")], said)

    def _read(self) -> Said | None:
        try:
            said = json.loads(self.body(_MAX_BODY))
        except ValueError:
            return None
        return said if isinstance(said, dict) else None

    def _control(self, said: Said) -> None:
        try:
            self.server.faults.control(said)
        except (KeyError, ValueError) as error:
            self.send(400, json.dumps({"error": str(error)}).encode())
        else:
            self.send(200, b"{}")

    def _answer(self, question: Question, said: Said) -> None:
        fault = self.server.faults.next()
        kind = fault.kind if fault else ""
        if kind == "down":
            self.send(503, b"{}")
        elif kind == "lose":
            self.close_connection = True
        elif kind == "garble":
            self.send(200, b"<html>")
        elif kind == "lie":
            self.send(200, b'{"verdict": "certainly"}')
        else:
            time.sleep(fault.seconds if fault else 0)
            self._worked(question, said)

    def _worked(self, question: Question, said: Said) -> None:
        try:
            answer = question(said)
        except (KeyError, TypeError, ValueError):
            self.send(400, b"{}")
        else:
            self.send(200, json.dumps(answer, ensure_ascii=False).encode())


def serve(questions: Mapping[str, Question]) -> int:
    """Serve at SUXIN_SIMULATOR_SOCKET until SIGTERM; returns the exit code."""
    return simulating.serve(Server(socket_path(), questions))
