"""A slow plugin harms only itself."""

from __future__ import annotations

import threading

from flask_smorest import Blueprint

from app import guards
from app.registry.bulkhead import threads_needed
from app.registry.contract import Plugin
from tests.contract.plugins.small_city import SETTINGS, made, mounted


def slow_plugin(entered: threading.Semaphore, leave: threading.Event) -> Plugin:
    blueprint = Blueprint("slow", __name__)

    @blueprint.get("/wait")
    @guards.public(because="a test")
    def wait() -> dict[str, str]:
        entered.release()
        leave.wait(60)
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
    assert all(entered.acquire(timeout=30) for _ in callers)

    surplus = app.test_client().get("/api/slow/wait")
    core = app.test_client().get("/healthz")
    still_held = not got
    leave.set()
    for caller in callers:
        caller.join(30)

    assert (surplus.status_code, surplus.headers["Retry-After"]) == (503, "1")
    assert surplus.get_json()["type"].endswith("/plugin-busy")
    assert (core.status_code, got) == (200, [200, 200])
    assert still_held
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
