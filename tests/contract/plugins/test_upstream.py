"""An upstream plugin learns who calls from us alone, and can neither hang nor flood the city."""

from __future__ import annotations

import http.server
import json
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import OKPKey

from app.registry import proxy
from app.registry.upstream import HEADER, NotFromSuxin, verify
from app.text import Text
from tests.contract.plugins.small_city import made, mounted, serving

# Set once nobody waits for the slow answers any more.
RELEASED = threading.Event()


class Upstream(http.server.BaseHTTPRequestHandler):
    """An out-of-process plugin that tells what it was sent."""

    def do_GET(self) -> None:
        if self.path == "/hangs":
            RELEASED.wait(60)
        body = b"x" * 5000 if self.path == "/large" else json.dumps([*self.headers.items()]).encode()
        try:
            self.send_response(200)
            self._trickle()
            self.send_header("Content-Type", "application/json")
            self.send_header("Set-Cookie", "session=theirs")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass

    def _trickle(self) -> None:
        if self.path != "/trickles":
            return
        for number in range(1200):
            self.send_header(f"X-Slow-{number}", "word")
            self.flush_headers()
            if RELEASED.wait(0.05):
                return

    def address_string(self) -> str:
        """Return nothing: a peer on a unix socket has no address."""
        return ""

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """HTTP on a unix socket."""

    daemon_threads = True
    server_name = "plugin"
    server_port = 0


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def socket() -> Iterator[str]:
    # A socket's path has at most 107 bytes, so it does not live below pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="suxin-") as folder:
        path = Path(folder) / "plugin.sock"
        with serving(UnixServer(str(path), Upstream)):
            yield f"unix:{path}"


@pytest.fixture
def ask(upstream: str) -> Callable[..., Any]:
    app, _ = mounted(made("far", upstream=upstream, scopes={"far:read": Text("读取", "Read")}))

    def get(path: str, **headers: str) -> Any:
        sent = {"Authorization": "Bearer good", **{name.replace("_", "-"): text for name, text in headers.items()}}
        return app.test_client().get(path, headers=sent)

    get.app = app  # type: ignore[attr-defined]
    return get


def public_key(app: Flask) -> dict[str, str]:
    with app.app_context():
        key: OKPKey = proxy.signing_key("far")
        return {name: str(value) for name, value in key.as_dict(private=False).items()}


def principal_sent(ask: Any) -> str:
    sent: dict[str, str] = {name.lower(): text for name, text in ask("/api/far/things").get_json()}
    return sent[HEADER.lower()]


def test_forged_identity_headers_are_replaced_by_a_signed_principal(ask: Any) -> None:
    forged = {HEADER: "i.am.mayor", "X_Suxin_Subject": "mayor", "Remote_User": "root", "X_Forwarded_For": "1.2.3.4"}

    answer = ask("/api/far/things", **forged, Cookie="session=ours")

    sent = [(name.lower(), text) for name, text in answer.get_json()]
    names = [name for name, _ in sent]
    assert not {"authorization", "cookie", "remote-user", "x-suxin-subject", "x-forwarded-for"} & set(names)
    assert names.count(HEADER.lower()) == 1
    header = dict(sent)[HEADER.lower()]
    claims = verify(header, public_key=public_key(ask.app), plugin="far", method="GET", path="/things")
    assert (claims["sub"], claims["kind"], claims["scopes"]) == ("sub_1", "citizen", ["far:read"])
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(("plugin", "path"), [("near", "/things"), ("far", "/others")])
def test_a_signed_principal_serves_no_other_plugin_or_call(ask: Any, plugin: str, path: str) -> None:
    header = principal_sent(ask)

    with pytest.raises(NotFromSuxin):
        verify(header, public_key=public_key(ask.app), plugin=plugin, method="GET", path=path)


def test_a_changed_principal_does_not_verify(ask: Any) -> None:
    header = principal_sent(ask)
    start, body, signature = header.split(".")

    with pytest.raises(NotFromSuxin):
        verify(
            f"{start}.{body}.{signature[::-1]}", public_key=public_key(ask.app), plugin="far", method="GET",
            path="/things",
        )  # fmt: skip


def test_a_dead_upstream_is_502() -> None:
    app, _ = mounted(made("far", upstream="http://127.0.0.1:9"))

    answer = app.test_client().get("/api/far/things", headers={"Authorization": "Bearer good"})

    assert (answer.status_code, answer.content_type) == (502, "application/problem+json")


@pytest.mark.parametrize("path", ["hangs", "trickles"])
def test_an_upstream_that_hangs_or_trickles_its_headers_is_504_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, upstream: str, path: str
) -> None:
    monkeypatch.setattr(proxy, "DEADLINE_SECONDS", 0.3)
    app, _ = mounted(made("far", upstream=upstream))

    RELEASED.clear()
    try:
        answer = app.test_client().get(f"/api/far/{path}", headers={"Authorization": "Bearer good"})
    finally:
        RELEASED.set()

    # It came while the upstream was still at it: that one ends after a minute, or when released.
    assert (answer.status_code, answer.content_type) == (504, "application/problem+json")


def test_an_upstream_on_a_unix_socket_gets_calls_and_a_principal(socket: str) -> None:
    app, _ = mounted(made("far", upstream=socket))

    answer = app.test_client().get("/api/far/things?a=1", headers={"Authorization": "Bearer good"})

    sent = {name.lower(): text for name, text in answer.get_json()}
    claims = verify(sent[HEADER.lower()], public_key=public_key(app), plugin="far", method="GET", path="/things")
    assert claims["sub"] == "sub_1"


# httpcore leaves the socket of a failed connect to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_missing_unix_socket_is_502_until_the_plugin_is_there() -> None:
    with tempfile.TemporaryDirectory(prefix="suxin-") as folder:
        path = Path(folder) / "late.sock"
        app, _ = mounted(made("far", upstream=f"unix:{path}"))

        before = app.test_client().get("/api/far/x", headers={"Authorization": "Bearer good"})
        with serving(UnixServer(str(path), Upstream)):
            after = app.test_client().get("/api/far/x", headers={"Authorization": "Bearer good"})

    assert (before.status_code, after.status_code) == (502, 200)


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1:80", "https://127.0.0.1:1", "http://127.0.0.1", "unix:relative.sock", "file:///etc"]
)
def test_an_upstream_on_another_machine_is_refused(address: str) -> None:
    _, registry = mounted(made("far", upstream=address))

    state = next(each for each in registry.states if each.name == "far")
    assert (state.state, state.stage) == ("refused", "contract")


def test_a_too_large_answer_is_not_passed_on(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "MOST_BYTES", 1000)

    assert ask("/api/far/large").status_code == 502


def test_an_upstream_is_closed_to_callers_who_are_not_signed_in(ask: Any) -> None:
    assert ask("/api/far/things", Authorization="").status_code == 401


def test_an_upstream_with_scopes_wants_one_of_them(upstream: str) -> None:
    app, _ = mounted(made("far", upstream=upstream, scopes={"far:write": Text("写入", "Write")}))

    assert app.test_client().get("/api/far/x", headers={"Authorization": "Bearer good"}).status_code == 403
