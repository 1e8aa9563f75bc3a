"""One request: declared access, one unit of work, problems, idempotency keys, pages."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import delete, func, select

from app import telemetry
from app.db import ReadOnlyWork, add, now, session, unit_of_work
from app.errors import NotFound
from app.guards import Kind, Principal, public, require, token_verifier, undeclared
from app.idempotency import IdempotencyRecord, idempotent
from app.outbox import OutboxEvent
from app.paging import BadCursor, page

BODY = {"amount": 1}


def _route(app: Flask, rule: str, view: Callable[..., Any], **options: Any) -> None:
    app.add_url_rule(rule, rule, view, **options)


def _event(name: str) -> OutboxEvent:
    return OutboxEvent(id=name, job="core.kept", arguments={}, acts_under={}, created_at=now())


def _count(app: Flask, name: str) -> int:
    with unit_of_work(read_only=True):
        query = select(func.count()).select_from(OutboxEvent).where(OutboxEvent.id == name)
        return session().scalar(query) or 0


@pytest.fixture(autouse=True)
def _clean(kernel: Flask) -> None:
    with unit_of_work():
        session().execute(delete(OutboxEvent))
        session().execute(delete(IdempotencyRecord))


def test_a_raising_request_changes_nothing_and_answers_a_problem(kernel: Flask) -> None:
    @public(because="test")
    def view() -> str:
        add(_event("undone"))
        raise NotFound()

    _route(kernel, "/raise", view, methods=["POST"])
    answer = kernel.test_client().post("/raise", headers={"Accept-Language": "en"})

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == "http://city.test/problems/not-found"
    assert answer.json["title"] == "There is nothing here"
    assert answer.json["request_id"].startswith("request_")
    assert _count(kernel, "undone") == 0


def test_an_unexpected_error_tells_nothing_of_its_text(kernel: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    @public(because="test")
    def view() -> str:
        raise ValueError("320000199001011234")

    _route(kernel, "/boom", view)
    answer = kernel.test_client().get("/boom")

    assert answer.status_code == 500
    assert "320000199001011234" not in answer.get_data(as_text=True) + capsys.readouterr().err


def test_chinese_comes_first(kernel: Flask) -> None:
    answer = kernel.test_client().get("/nowhere")

    assert answer.json["title"] == "没有找到"
    assert answer.headers["Content-Language"] == "zh-CN"


def test_a_wrong_method_names_the_right_ones(kernel: Flask) -> None:
    _route(kernel, "/only", public(because="test")(lambda: "ok"), methods=["POST"])

    answer = kernel.test_client().get("/only")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_reading_requests_may_not_change_models(kernel: Flask) -> None:
    with pytest.raises(ReadOnlyWork), unit_of_work(read_only=True):
        session().add(_event("sneaked"))

    assert _count(kernel, "sneaked") == 0


def _as(app: Flask, **who: Any) -> None:
    values = {"kind": Kind.CITIZEN, "actor": "a", **who}
    app.extensions["suxin.ports"][token_verifier.name] = {"test": _Fixed(Principal(**values))}


class _Fixed:
    def __init__(self, who: Principal) -> None:
        self.who = who

    def verify(self, incoming: object, *, audience: str) -> Principal:
        return self.who


@pytest.mark.parametrize(
    ("who", "status", "slug"),
    [
        ({}, 403, "insufficient-scope"),
        ({"scopes": frozenset({"x:read"})}, 403, "not-allowed"),
        ({"scopes": frozenset({"x:read"}), "kind": Kind.TERMINAL}, 403, "insufficient-assurance"),
        ({"scopes": frozenset({"x:read"}), "kind": Kind.TERMINAL, "proofing_level": 4}, 403, "purpose-required"),
        (
            {"scopes": frozenset({"x:read"}), "kind": Kind.TERMINAL, "proofing_level": 4, "purpose": "care"},
            200,
            None,
        ),
    ],
)
def test_each_declared_condition_must_hold(kernel: Flask, who: dict[str, Any], status: int, slug: str | None) -> None:
    guarded = require("x:read", kinds=[Kind.TERMINAL], proofing_level=3, purpose="care")(lambda: "ok")
    _route(kernel, "/guarded", guarded)
    _as(kernel, **who)

    answer = kernel.test_client().get("/guarded")

    assert answer.status_code == status
    assert slug is None or answer.json["type"].endswith(slug)


def test_nobody_gets_401_with_a_challenge(kernel: Flask) -> None:
    _route(kernel, "/guarded", require("x:read")(lambda: "ok"))

    answer = kernel.test_client().get("/guarded")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_undeclared_routes_are_found(kernel: Flask) -> None:
    assert undeclared(kernel) == []

    _route(kernel, "/open", lambda: "ok")

    assert undeclared(kernel) == ["GET /open"]


def _write_once(app: Flask, effect: Callable[[], None] = lambda: None) -> None:
    @public(because="test")
    @idempotent
    def view() -> tuple[dict[str, Any], int]:
        effect()
        add(_event("once"))
        return {"got": request.get_json()}, 201

    _route(app, "/write", view, methods=["POST"])


def test_the_same_key_has_one_effect_and_one_answer(kernel: Flask) -> None:
    _write_once(kernel)
    client, key = kernel.test_client(), {"Idempotency-Key": "k-1"}

    first = client.post("/write", json=BODY, headers=key)
    again = client.post("/write", json=BODY, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_data() == again.get_data()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert _count(kernel, "once") == 1


def test_the_same_key_with_another_body_is_refused(kernel: Flask) -> None:
    _write_once(kernel)
    client, key = kernel.test_client(), {"Idempotency-Key": "k-1"}
    client.post("/write", json=BODY, headers=key)

    other = client.post("/write", json={"amount": 2}, headers=key)

    assert other.status_code == 409
    assert other.json["type"].endswith("idempotency-key-reused")


@pytest.mark.parametrize("key", [None, "", "a" * 256, "a b", "键"])
def test_a_missing_or_odd_key_is_refused(kernel: Flask, key: str | None) -> None:
    _write_once(kernel)
    headers = {} if key is None else {"Idempotency-Key": key.encode().decode("latin-1")}

    answer = kernel.test_client().post("/write", json=BODY, headers=headers)

    assert answer.status_code == 400
    assert _count(kernel, "once") == 0


def test_a_key_in_flight_answers_409_with_retry_after(kernel: Flask) -> None:
    inside, leave = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        leave.wait(60)

    _write_once(kernel, wait)
    key = {"Idempotency-Key": "k-2"}
    answers: list[int] = []
    slow = threading.Thread(
        target=lambda: answers.append(kernel.test_client().post("/write", json=BODY, headers=key).status_code)
    )
    slow.start()
    assert inside.wait(60)

    meanwhile = kernel.test_client().post("/write", json=BODY, headers=key)
    leave.set()
    slow.join()

    assert meanwhile.status_code == 409
    assert meanwhile.headers["Retry-After"] == "1"
    assert answers == [201]
    assert _count(kernel, "once") == 1


def test_pages_meet_no_item_twice_while_others_arrive(kernel: Flask) -> None:
    with unit_of_work():
        for number in range(25):
            add(_event(f"item_{number}"))
    seen: list[str] = []
    cursor: str | None = None

    with unit_of_work():
        while True:
            got = page(select(OutboxEvent), key=(OutboxEvent.created_at, OutboxEvent.id), cursor=cursor, limit=10)
            seen += [item.id for item in got.items]
            cursor = got.next_cursor
            if cursor is None:
                break
            add(_event(f"late_{len(seen)}"))

    assert len(seen) == len(set(seen)) == 25


def test_a_forged_cursor_is_refused(kernel: Flask) -> None:
    with unit_of_work(), pytest.raises(BadCursor):
        page(select(OutboxEvent), key=(OutboxEvent.created_at, OutboxEvent.id), cursor="e30", limit=10)


def test_times_are_aware(kernel: Flask) -> None:
    with unit_of_work():
        add(_event("timed"))
    with unit_of_work(read_only=True):
        row = session().scalars(select(OutboxEvent).where(OutboxEvent.id == "timed")).one()

    assert isinstance(row.created_at, datetime)
    assert row.created_at.tzinfo is not None


def test_a_span_carries_the_callers_trace_and_the_rule_not_the_path(
    kernel: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    _route(kernel, "/people/<number>", public(because="test")(lambda number: "ok"))
    telemetry.configure_logs("info")
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"

    kernel.test_client().get(
        "/people/320000199001011234", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    )

    line = capsys.readouterr().err
    assert trace_id in line
    assert "/people/<number>" in line
    assert "320000199001011234" not in line


def test_metrics_of_all_processes_are_added_up(kernel: Flask, tmp_path: Path) -> None:
    script = (
        "import os; from app.telemetry import REQUESTS, _all_processes; from prometheus_client import generate_latest;"
        "REQUESTS.labels('/x', 'GET', 200).inc();"
        "print(generate_latest(_all_processes()).decode()) if os.environ.get('LAST') else None"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    last = subprocess.run(
        [sys.executable, "-c", script], env={**environment, "LAST": "1"}, check=True, capture_output=True, text=True
    )

    assert 'suxin_requests_total{method="GET",route="/x",status="200"} 2.0' in last.stdout
