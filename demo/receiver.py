"""An example of a client's back-channel door: what to check before a session is ended (Back-Channel Logout 1.0, 2.6).

`python -m demo.receiver ISSUER CLIENT_ID PORT` serves it on the loopback address and prints what ended.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LONGEST = 20_000


class Refused(Exception):
    """A log-out token that must not be believed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The session that ended, or all of a subject's when `sid` is None."""

    sub: str | None
    sid: str | None


@dataclass(slots=True)
class Receiver:
    """Checks log-out tokens for one client; a real one keeps `seen` where all its nodes look."""

    issuer: str
    client_id: str
    keys: Mapping[str, Any]
    seen: dict[str, float] = field(default_factory=dict)

    def take(self, token: str) -> Ended:
        """Return what ended, once for each token; raises `Refused`."""
        claims = self._verified(token)
        self._check_parties(claims)
        self._check_event(claims)
        self._check_unused(claims)
        return Ended(claims.get("sub"), claims.get("sid"))

    def _verified(self, token: str) -> dict[str, Any]:
        try:
            known = KeySet.import_key_set({"keys": list(self.keys["keys"])})
            found = jwt.decode(token, known, algorithms=["ES256"])
        except (JoseError, ValueError):
            raise Refused("the signature does not fit") from None
        if found.header.get("typ") != "logout+jwt":
            raise Refused("not a log-out token")
        return dict(found.claims)

    def _check_parties(self, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") != self.issuer or claims.get("aud") != self.client_id:
            raise Refused("from another issuer, or for another client")
        expires = claims.get("exp")
        if not isinstance(expires, int | float) or expires <= time.time():
            raise Refused("expired")

    def _check_event(self, claims: Mapping[str, Any]) -> None:
        events = claims.get("events")
        if not isinstance(events, dict) or EVENT not in events or "nonce" in claims:
            raise Refused("no log-out event, or an ID token in disguise")
        if not claims.get("sub") and not claims.get("sid"):
            raise Refused("it names nobody")

    def _check_unused(self, claims: Mapping[str, Any]) -> None:
        jti = claims.get("jti")
        if not isinstance(jti, str):
            raise Refused("jti is missing")
        present = time.time()
        self.seen = {known: until for known, until in self.seen.items() if until > present}
        if jti in self.seen:
            raise Refused("it came before")
        self.seen[jti] = claims["exp"]


def serve(receiver: Receiver, port: int) -> HTTPServer:
    """Return a server that answers 200 to what it believes and 400 to all else (2.8)."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", "0")), _LONGEST)
            token = parse_qs(self.rfile.read(length).decode("ascii", "replace")).get("logout_token", [""])[0]
            try:
                ended = receiver.take(token)
            except Refused as refused:
                self._say(400, {"error": "invalid_request", "error_description": str(refused)})
            else:
                self._say(200, {"sub": ended.sub, "sid": ended.sid})

        def _say(self, status: int, body: Mapping[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())
            sys.stdout.write(json.dumps({"status": status, **body}) + "\n")
            sys.stdout.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Leave the log to `_say`."""

    return HTTPServer(("127.0.0.1", port), Door)


def main(arguments: list[str]) -> int:
    """Serve the door until Ctrl-C."""
    issuer, client_id, port = arguments
    known = httpx.get(f"{issuer}/oauth2/jwks", timeout=5).json()
    with serve(Receiver(issuer, client_id, known), int(port)) as door:
        try:
            door.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
