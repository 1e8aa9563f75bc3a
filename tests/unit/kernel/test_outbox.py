"""What follows from a change leaves after the commit, and has one effect however often it arrives."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.db import now, session, unit_of_work
from app.guards import Kind, Principal, acting_as, principal
from app.housekeeping import forget_handled
from app.jobs import Job
from app.outbox import HandledEvent, OutboxEvent, enqueue, restored, stored
from app.relay import drain
from app.worker import make_celery, run_events


class FakeCelery:
    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.sent: list[tuple[str, list[dict[str, Any]], str]] = []

    def send_task(self, name: str, *, args: list[Any], queue: str, retry: bool) -> None:
        if self.broken:
            raise ConnectionError
        self.sent.append((name, args[0], queue))


def _queue(job: str, *numbers: int) -> None:
    with unit_of_work():
        for number in numbers:
            enqueue(job, number=number)


def _queue_and_fail() -> None:
    with unit_of_work():
        enqueue("core.test", number=1)
        raise RuntimeError


def _empty() -> None:
    with unit_of_work():
        session().query(OutboxEvent).delete()


def test_an_undone_change_queues_nothing(kernel: Flask) -> None:
    _empty()
    with pytest.raises(RuntimeError):
        _queue_and_fail()

    with unit_of_work(read_only=True):
        assert session().scalar(select(func.count()).select_from(OutboxEvent)) == 0


def test_events_leave_in_one_message_per_job(kernel: Flask) -> None:
    _empty()
    _queue("core.test", 1, 2, 3)
    _queue("health.test", 4)
    celery = FakeCelery()

    assert drain(celery, {"core.test": "core"}) == 4  # type: ignore[arg-type]

    assert {(name, len(events), queue) for name, events, queue in celery.sent} == {
        ("core.test", 3, "core"),
        ("health.test", 1, "plugin.health"),
    }
    assert drain(celery, {}) == 0  # type: ignore[arg-type]


def test_a_broker_that_fails_loses_no_event(kernel: Flask) -> None:
    _empty()
    _queue("core.test", 1)

    with pytest.raises(ConnectionError):
        drain(FakeCelery(broken=True), {})  # type: ignore[arg-type]

    assert drain(FakeCelery(), {}) == 1  # type: ignore[arg-type]


def _event(number: int, who: Principal | None = None) -> dict[str, Any]:
    actor = who or Principal(kind=Kind.CITIZEN, actor="sub_1", audience="health")
    return {"id": f"event_{number}", "arguments": {"number": number}, "acts_under": stored(actor)}


def _forget() -> None:
    with unit_of_work():
        session().query(HandledEvent).delete()


@pytest.mark.parametrize("batch", [False, True])
def test_a_repeated_event_has_one_effect(kernel: Flask, batch: bool) -> None:
    _forget()
    seen: list[int] = []

    def run(*events: Any, **arguments: Any) -> None:
        seen.extend([event["number"] for event in events[0]] if batch else [arguments["number"]])

    job = Job(name="core.test", run=run, batch=batch)

    assert run_events(job, [_event(1), _event(2)]) == []
    assert run_events(job, [_event(2), _event(3)]) == []

    assert seen == [1, 2, 3]


def test_a_failing_event_is_given_back_and_its_neighbours_run(kernel: Flask) -> None:
    _forget()
    seen: list[int] = []

    def run(number: int) -> None:
        if number == 2 and 2 not in seen:
            seen.append(2)
            raise ValueError("broken")
        seen.append(number)

    job = Job(name="core.test", run=run)
    events = [_event(1), _event(2), _event(3)]

    failed = run_events(job, events)

    assert [event["id"] for event in failed] == ["event_2"]
    assert run_events(job, failed) == []
    assert seen == [1, 2, 3, 2]


def test_a_job_runs_under_whom_queued_it_in_its_own_plugins_audience(kernel: Flask) -> None:
    _forget()
    seen: list[Principal] = []
    who = Principal(kind=Kind.TERMINAL, actor="terminal_1", scopes=frozenset({"health:settle"}), audience="suxin")

    run_events(Job(name="health.test", run=lambda number: seen.append(principal())), [_event(1, who)])

    assert seen[0].actor == "terminal_1"
    assert seen[0].audience == "health"


def test_principals_survive_the_queue_without_their_token() -> None:
    who = Principal(
        kind=Kind.OFFICIAL, actor="party_1", scopes=frozenset({"a:b"}), desks=(("d", "accept", "321302"),), token_id="t"
    )

    back = restored(stored(who))

    assert back.token_id is None
    assert (back.kind, back.scopes, back.desks) == (who.kind, who.scopes, who.desks)


def test_a_principal_queued_by_nobody_is_the_system(kernel: Flask) -> None:
    _empty()
    with acting_as(Principal(kind=Kind.SYSTEM, actor="system")):
        _queue("core.test", 1)
    celery = FakeCelery()

    drain(celery, {})  # type: ignore[arg-type]

    assert restored(celery.sent[0][1][0]["acts_under"]).kind is Kind.SYSTEM


def test_tasks_are_bound_by_name_to_their_queues(kernel: Flask) -> None:
    celery = make_celery(kernel, [Job(name="health.notify", run=lambda: None)], [])

    assert "health.notify" in celery.tasks
    assert kernel.extensions["suxin.jobs"]["health.notify"].queue == "plugin.health"


def test_marks_of_handled_events_are_forgotten_after_a_month(kernel: Flask) -> None:
    _forget()
    with unit_of_work():
        session().add(HandledEvent(id="event_old", handled_at=now() - timedelta(days=31)))
        session().add(HandledEvent(id="event_new", handled_at=now()))

    with unit_of_work():
        forget_handled()

    with unit_of_work(read_only=True):
        assert list(session().scalars(select(HandledEvent.id))) == ["event_new"]
