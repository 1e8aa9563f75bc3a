"""Opening a presence session is answered by a compiled write that leaves what the ordinary path leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from app.db import unit_of_work
from identity.oidc import keys, tokens
from identity.oidc.access import Wanted

SESSIONS = "/api/presence/sessions"
FORM = {"purpose": "health:purchase"}
# What each call makes new.
_FRESH = {"id", "nonce", "expires_at", "created_at", "object", "at", "xid", "body", "key", "request_hash"}


@pytest.fixture
def terminal(clean_city: Flask) -> dict[str, str]:
    with clean_city.app_context(), unit_of_work():
        keys.active()
        wanted = Wanted("suxin", ("presence:verify",))
        token = tokens.access_token(wanted, kind="terminal", sub="terminal_1", client_id="terminal_1")
    headers = {"Authorization": f"Bearer {token}"}
    # The compiled path learns the fixed headers from an ordinary answer.
    assert _post(clean_city.wsgi_app, headers, FORM).status_code == 201
    return headers


def _post(wsgi: Any, headers: dict[str, str], form: Any, key: str | None = None) -> Any:
    sent = {**headers, "Content-Type": "application/json", **({} if key is None else {"Idempotency-Key": key})}
    return Client(wsgi).post(SESSIONS, data=json.dumps(form), headers=sent)


def _compiled(city: Flask, headers: dict[str, str], form: Any, key: str | None = None) -> Any:
    hot = city.extensions["suxin.hotpath"]
    before = hot.answered
    answer = _post(city.wsgi_app, headers, form, key)
    assert hot.answered == before + 1
    return answer


def _left(city: Flask, answer: Any, key: str | None) -> dict[str, Any]:
    """Return all that a call left, without what is new in every call."""
    opened = answer.json["id"]
    with city.extensions["suxin.db"].read.connect() as link:
        rows = {
            "session": _row(link, "select * from app.presence_session where id = :id", id=opened),
            "line": _row(link, "select * from app.audit_leaf where convert_from(body, 'UTF8')::jsonb->>'object' = :id",
                         id=opened),
            "kept": _row(link, "select * from app.idempotency_record where key = :key", key=key) if key else None,
        }  # fmt: skip
    line, session = rows["line"], rows["session"]
    said = json.loads(bytes(line["body"]))
    lives = session["expires_at"] - session["created_at"]
    kept = rows["kept"] and {**rows["kept"], "body": bytes(rows["kept"]["body"]) == answer.data}
    shown = {name: value for name, value in answer.json.items() if name not in _FRESH}
    assert datetime.fromisoformat(answer.json["expires_at"]) == session["expires_at"]
    assert (said["id"], answer.json["nonce"]) == (line["id"], session["nonce"])
    parts = (shown, session, line, {name: said[name] for name in said if name not in _FRESH})
    parts = (*parts, {} if kept is None else {**kept, "same body": kept["body"]})
    old = [{name: value for name, value in part.items() if name not in _FRESH} for part in parts]
    return {"parts": old, "lives": lives, "headers": _fixed(answer), "status": answer.status_code}


def _row(link: sa.Connection, query: str, **values: Any) -> dict[str, Any]:
    return dict(link.execute(sa.text(query), values).mappings().one())


def _fixed(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name not in ("X-Request-Id", "Date")}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    purpose=st.from_regex(r"[a-z][a-z0-9_.:-]{2,79}", fullmatch=True),
    ttl=st.none() | st.integers(1, 60),
    number=st.none() | st.integers(0, 10**9),
)
def test_a_compiled_opening_leaves_what_the_ordinary_one_leaves(
    clean_city: Flask, terminal: dict[str, str], purpose: str, ttl: int | None, number: int | None
) -> None:
    form = {"purpose": purpose} if ttl is None else {"purpose": purpose, "ttl_seconds": ttl}
    keys_used = (None, None) if number is None else _two_new_keys(number)

    compiled = _compiled(clean_city, terminal, form, keys_used[0])
    ordinary = _post(clean_city.extensions["suxin.hotpath"].ordinary, terminal, form, keys_used[1])

    assert _left(clean_city, compiled, keys_used[0]) == _left(clean_city, ordinary, keys_used[1])


_times = iter(range(10**9))


def _two_new_keys(number: int) -> tuple[str, str]:
    turn = next(_times)
    return f"{number}-{turn}-a", f"{number}-{turn}-b"


@pytest.mark.parametrize("form", [{}, {"purpose": "UPPER"}, {"purpose": "a:b", "ttl_seconds": 61}, ["a:b"], "a:b"])
def test_a_wrong_form_is_refused_as_ever(clean_city: Flask, terminal: dict[str, str], form: Any) -> None:
    answers = [_post(wsgi, terminal, form) for wsgi in _both(clean_city)]

    assert {answer.status_code for answer in answers} == {422}
    assert answers[0].json["errors"] == answers[1].json["errors"]


def _both(city: Flask) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return city.wsgi_app, city.extensions["suxin.hotpath"].ordinary


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256])
def test_a_key_without_the_shape_of_one_is_refused(clean_city: Flask, terminal: dict[str, str], key: str) -> None:
    assert _post(clean_city.wsgi_app, terminal, FORM, key).status_code == 400


def test_without_a_key_every_call_opens_another_session(clean_city: Flask, terminal: dict[str, str]) -> None:
    opened = {_compiled(clean_city, terminal, FORM).json["id"] for _ in range(2)}

    assert len(opened) == 2


def test_calls_with_one_key_open_one_session_on_whichever_path(clean_city: Flask, terminal: dict[str, str]) -> None:
    compiled, ordinary = _both(clean_city)
    together = Barrier(6)

    def call(number: int) -> Any:
        together.wait(60)
        return _post(ordinary if number % 2 else compiled, terminal, FORM, "one")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(call, range(6)))

    opened = {answer.json["id"] for answer in answers if answer.status_code == 201}
    assert len(opened) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert _post(compiled, terminal, FORM, "one").json["id"] in opened
    assert _post(compiled, terminal, {"purpose": "other:use"}, "one").status_code == 409
    with clean_city.extensions["suxin.db"].read.connect() as link:
        # The one that the compiled path learned from, and the one of the key.
        assert link.scalar(sa.text("select count(*) from app.presence_session")) == 2
