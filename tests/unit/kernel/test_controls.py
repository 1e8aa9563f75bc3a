"""Controls: the same trials on deliberately broken variants must go wrong, or they prove nothing."""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import delete, func, select

from app.db import add, now, session, unit_of_work
from app.guards import public
from app.idempotency import IdempotencyRecord, idempotent
from app.ids import new_id
from app.jobs import Job
from app.outbox import HandledEvent, OutboxEvent, stored
from app.principal import SYSTEM
from app.worker import run_events

PARALLEL = 6
# The broken variant's requests all look before any of them keeps, so it goes wrong on every machine.
_LOOKED = threading.Barrier(PARALLEL)


def _get_then_set(view: Callable[..., Any]) -> Callable[..., Any]:
    """The broken variant: looks for the key first, keeps it afterwards, nothing makes it unique."""

    @functools.wraps(view)
    def once(*args: Any, **kwargs: Any) -> Any:
        key = request.headers["Idempotency-Key"]
        if session().scalar(select(IdempotencyRecord.key).where(IdempotencyRecord.key == key)) is not None:
            return "again"
        _LOOKED.wait(60)
        answer = view(*args, **kwargs)
        kept = {"request_hash": b"", "status": 201, "headers": {}, "body": b"", "created_at": now()}
        session().add(IdempotencyRecord(scope=new_id("scope"), key=key, **kept))
        return answer

    return once


def _effects(kernel: Flask, guard: Callable[..., Any]) -> int:
    together = threading.Barrier(PARALLEL)
    rule = f"/{guard.__name__}"

    def view() -> tuple[str, int]:
        add(OutboxEvent(id=rule, job="core.kept", arguments={}, acts_under={}, created_at=now()))
        return "done", 201

    kernel.add_url_rule(rule, rule, public(because="test")(guard(view)), methods=["POST"])

    def call(_: int) -> int:
        together.wait(60)
        return kernel.test_client().post(rule, json={}, headers={"Idempotency-Key": "one"}).status_code

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(call, range(PARALLEL)))
    with unit_of_work(read_only=True):
        return session().scalar(select(func.count()).select_from(OutboxEvent).where(OutboxEvent.id == rule)) or 0


@pytest.fixture(autouse=True)
def _clean(kernel: Flask) -> None:
    with unit_of_work():
        for model in (OutboxEvent, IdempotencyRecord, HandledEvent):
            session().execute(delete(model))


def test_parallel_requests_with_one_key_have_one_effect(kernel: Flask) -> None:
    assert _effects(kernel, idempotent) == 1


def test_control_a_key_that_is_only_looked_up_lets_several_effects_through(kernel: Flask) -> None:
    assert _effects(kernel, _get_then_set) > 1


def test_control_a_handler_without_its_mark_runs_twice(kernel: Flask) -> None:
    seen: list[int] = []
    job = Job(name="core.test", run=lambda *, number: seen.append(number))
    event = {"id": "event_twice", "arguments": {"number": 1}, "acts_under": stored(SYSTEM)}

    run_events(job, [event])
    run_events(job, [event])
    assert seen == [1]

    with unit_of_work():
        session().execute(delete(HandledEvent))
    run_events(job, [event])
    assert seen == [1, 1]
