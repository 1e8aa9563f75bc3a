"""HTTP on a unix socket: `/verifications` answers, `/control` plans faults."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any
from uuid import uuid4

import orjson

from identity import simulating
from identity.simulating import Faults, UnixServer

_MAX_BODY = 12_000_000


class Server(UnixServer):
    """Serves the simulated gateway."""

    def __init__(self, path: str) -> None:
        super().__init__(path, Handler)
        self.faults = Faults("hang_up", "down", "late", "garble", "other_request", "unknown_result")


class Handler(simulating.Handler):
    """One connection."""

    server: Server

    def do_GET(self) -> None:
        self.send(200, b'{"status": "ok"}')

    def do_POST(self) -> None:
        try:
            said = orjson.loads(self.body(_MAX_BODY))
            answer = self._control(said) if self.path == "/control" else self._verify(said)
        except (ValueError, KeyError, TypeError, binascii.Error):
            answer = 400, {"error": "the question cannot be read"}
        if answer is not None:
            self.send(answer[0], orjson.dumps(answer[1]))

    def _control(self, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.server.faults.control(said)
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
