"""The province on HTTP: browsers and the city by loopback TCP, its controls on a unix socket only."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from identity import simulating
from identity.federation.simulator.faults import Faults
from identity.federation.simulator.protocol import Province, Said
from identity.federation.simulator.world import World

_MAX_BODY = 20_000
_SILENCE_SECONDS = 20


class Public(ThreadingHTTPServer):
    """Where browsers and the city come; on the port of last time where that is free."""

    daemon_threads = True
    province: Province

    def __init__(self, world: World, faults: Faults, *, port: int = 0) -> None:
        try:
            super().__init__(("127.0.0.1", port), _PublicHandler)
        except OSError:
            super().__init__(("127.0.0.1", 0), _PublicHandler)
        self.province = Province(f"http://127.0.0.1:{self.server_port}", world, faults)


class Control(simulating.UnixServer):
    """Where the city learns the address, and a test plans faults."""

    def __init__(self, path: str, province: Province) -> None:
        super().__init__(path, _ControlHandler)
        self.province = province


class _Handler(simulating.Handler):
    def _send(self, said: Said) -> None:
        to = {} if said.location is None else {"Location": said.location}
        self.send(said.status, said.body.encode(), kind=said.content_type, Cache_Control="no-store", **to)

    def _body(self) -> str:
        return self.body(_MAX_BODY).decode("utf-8", "replace")


class _PublicHandler(_Handler):
    server: Public

    def do_GET(self) -> None:
        province, path = self.server.province, urlsplit(self.path)
        if path.path == "/authorize":
            self._send(province.ask(dict(parse_qsl(path.query))))
            return
        answers: dict[str, Callable[[], Said]] = {
            "/.well-known/openid-configuration": province.metadata,
            "/jwks": province.keys,
            "/userinfo": lambda: province.about(self.headers.get("Authorization", "")),
        }
        found = answers.get(path.path)
        self._send(Said(404, "{}") if found is None else found())

    def do_POST(self) -> None:
        province, asked = self.server.province, dict(parse_qsl(self._body()))
        if self.path == "/authorize":
            self._send(province.decide(asked))
        elif self.path != "/token":
            self._send(Said(404, "{}"))
        elif province.faults.met("down"):
            self._send(Said(503, "{}"))
        else:
            if province.faults.met("no_answer"):
                time.sleep(_SILENCE_SECONDS)
            self._send(province.redeem(asked, self.headers.get("Authorization", "")))


class _ControlHandler(_Handler):
    server: Control

    def do_GET(self) -> None:
        self._send(Said(200, json.dumps({"issuer": self.server.province.issuer})))

    def do_POST(self) -> None:
        faults = self.server.province.faults
        try:
            said = json.loads(self._body())
            if said.get("clear"):
                faults.clear()
            else:
                faults.plan(str(said["kind"]), times=int(said.get("times", 1)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._send(Said(400, json.dumps({"error": str(error)})))
        else:
            self._send(Said(200, json.dumps({"status": "planned"})))


def in_background(server: socketserver.BaseServer) -> threading.Thread:
    """Serve from a thread of its own until the server is shut down."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    return thread
