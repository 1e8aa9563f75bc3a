"""A slow plugin harms only itself; an upstream plugin learns who calls from us alone."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask_smorest import Blueprint
from joserfc.jwk import OKPKey

from app import guards
from app.config import Settings
from app.principal import Kind, Principal
from app.registry import proxy
from app.registry.bulkhead import threads_needed
from app.registry.contract import Plugin
from app.registry.find import Candidate
from app.registry.mount import Registry, mount_all
from app.registry.openapi import city_api
from app.registry.upstream import HEADER, NotFromSuxin, verify
from app.text import Text
from tests.contract.plugins.city import kernel

SETTINGS = Settings(log_level="error")
CITIZEN = Principal(
    kind=Kind.CITIZEN, actor="sub_1", subject="sub_1", scopes=frozenset({"far:read", "near:read"}), audience="far"
)


class Verifier:
    """Knows one citizen by `Bearer good`."""

    def verify(self, incoming: Any, *, audience: str) -> Principal | None:
        return CITIZEN if incoming.headers.get("Authorization") == "Bearer good" else None


def mounted(*plugins: Plugin) -> tuple[Flask, Registry]:
    app = kernel(SETTINGS)
    guards.token_verifier.bind(app, "test", Verifier())
    found = [Candidate(name=each.name, distribution=f"acme-{each.name}", version="1", value=each) for each in plugins]
    return app, mount_all(app, city_api(app), found)


def made(name: str, **fields: Any) -> Plugin:
    return Plugin(name=name, title=Text("服务", "Service"), version="1", api=(1, 0), **fields)


def slow_plugin(entered: threading.Semaphore, leave: threading.Event) -> Plugin:
    blueprint = Blueprint("slow", __name__)

    @blueprint.get("/wait")
    @guards.public(because="a test")
    def wait() -> dict[str, str]:
        entered.release()
        leave.wait(10)
        return {}

    return made("slow", blueprints=(blueprint,), slots=2)


def test_surplus_calls_of_a_slow_plugin_get_503_while_the_core_answers() -> None:
    entered, leave = threading.Semaphore(0), threading.Event()
    app, _ = mounted(slow_plugin(entered, leave))
    got: list[int] = []
    callers = [
        threading.Thread(target=lambda: got.append(app.test_client().get("/api/slow/wait").status_code))
        for _ in range(2)
    ]
    for caller in callers:
        caller.start()
    assert all(entered.acquire(timeout=5) for _ in callers)

    started = time.monotonic()
    surplus = app.test_client().get("/api/slow/wait")
    core = app.test_client().get("/api/core")
    took = time.monotonic() - started
    leave.set()
    for caller in callers:
        caller.join(10)

    assert (surplus.status_code, surplus.headers["Retry-After"]) == (503, "1")
    assert surplus.get_json()["type"].endswith("/plugin-busy")
    assert (core.status_code, got) == (200, [200, 200])
    assert took < 1
    assert app.test_client().get("/api/slow/wait").status_code == 200


def test_a_view_that_raises_gives_its_slot_back() -> None:
    blueprint = Blueprint("bad", __name__)

    @blueprint.get("/fails")
    @guards.public(because="a test")
    def fails() -> None:
        raise RuntimeError

    app, _ = mounted(made("bad", blueprints=(blueprint,), slots=1))

    assert [app.test_client().get("/api/bad/fails").status_code for _ in range(3)] == [500, 500, 500]


def test_web_threads_leave_the_core_its_slots_when_every_plugin_is_full() -> None:
    _, registry = mounted(made("one", slots=3), made("two", slots=5))

    assert threads_needed(registry, SETTINGS) == SETTINGS.core_slots + 8


class Upstream(http.server.BaseHTTPRequestHandler):
    """An out-of-process plugin that tells what it was sent."""

    def do_GET(self) -> None:
        if self.path == "/hangs":
            time.sleep(1.5)
        body = b"x" * 5000 if self.path == "/large" else json.dumps([*self.headers.items()]).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Set-Cookie", "session=theirs")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except BrokenPipeError:
            pass

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def upstream() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


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


def test_a_hanging_upstream_is_504(ask: Any, monkeypatch: pytest.MonkeyPatch, upstream: str) -> None:
    monkeypatch.setattr(proxy, "DEADLINE_SECONDS", 0.3)
    app, _ = mounted(made("far", upstream=upstream))

    answer = app.test_client().get("/api/far/hangs", headers={"Authorization": "Bearer good"})

    assert (answer.status_code, answer.content_type) == (504, "application/problem+json")


def test_a_too_large_answer_is_not_passed_on(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "MOST_BYTES", 1000)

    assert ask("/api/far/large").status_code == 502


def test_an_upstream_is_closed_to_callers_who_are_not_signed_in(ask: Any) -> None:
    assert ask("/api/far/things", Authorization="").status_code == 401


def test_an_upstream_with_scopes_wants_one_of_them(upstream: str) -> None:
    app, _ = mounted(made("far", upstream=upstream, scopes={"far:write": Text("写入", "Write")}))

    assert app.test_client().get("/api/far/x", headers={"Authorization": "Bearer good"}).status_code == 403
