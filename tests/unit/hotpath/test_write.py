"""A compiled write leaves what the ordinary one leaves, once for each key."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import Client

from benchmarks.city import make_app
from benchmarks.world import World, prepared


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    before = dict(os.environ)
    with prepared() as made:
        os.environ.update(made.environment, SUXIN_BENCH_HOT="1")
        yield made
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def city(world: World) -> Iterator[tuple[Flask, dict[str, str]]]:
    app = make_app()
    headers = {"Authorization": f"Bearer {world.token()}"}
    _post(app, headers, "warm", "first")
    yield app, headers
    app.extensions["suxin.hotpath"].lines.close()
    app.extensions["suxin.db"].dispose()


def _post(app: Flask, headers: dict[str, str], key: str, note: str) -> Any:
    body = json.dumps({"place": "p", "note": note})
    sent = {**headers, "Idempotency-Key": key, "Content-Type": "application/json"}
    return Client(app.wsgi_app).post("/api/visits", data=body, headers=sent)


def _counts(app: Flask) -> tuple[int, ...]:
    tables = ("bench.visit", "app.audit_leaf", "app.outbox_event", "app.idempotency_record")
    with app.extensions["suxin.db"].read.connect() as connection:
        return tuple(connection.scalar(sa.text(f"select count(*) from {table}")) for table in tables)


def test_one_statement_leaves_row_audit_line_event_and_key(city: tuple[Flask, dict[str, str]]) -> None:
    app, headers = city
    before, answered = _counts(app), app.extensions["suxin.hotpath"].answered

    answer = _post(app, headers, "one", '中文 "quoted" \\ {,}')

    assert answer.status_code == 201
    assert answer.json["note"] == '中文 "quoted" \\ {,}'
    assert app.extensions["suxin.hotpath"].answered == answered + 1
    assert _counts(app) == tuple(number + 1 for number in before)


def test_a_replay_gets_the_first_answer_and_another_body_is_refused(city: tuple[Flask, dict[str, str]]) -> None:
    app, headers = city
    first = _post(app, headers, "two", "n")
    before = _counts(app)

    again, other = _post(app, headers, "two", "n"), _post(app, headers, "two", "m")

    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 409
    assert _counts(app) == before


def test_a_wrong_form_is_answered_by_the_ordinary_path_and_leaves_nothing(city: tuple[Flask, dict[str, str]]) -> None:
    app, headers = city
    before = _counts(app)

    sent = {**headers, "Idempotency-Key": "three", "Content-Type": "application/json"}
    answer = Client(app.wsgi_app).post("/api/visits", data=b'{"place": 1}', headers=sent)

    assert answer.status_code == 422
    assert _counts(app) == before
