"""Children are started again with growing pauses, and none outlives its owner."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.runtime import keeper as keeping
from app.runtime.children import Child, Keeper, launch
from app.runtime.supervisor import Supervisor


@pytest.fixture
def warden() -> Iterator[Keeper]:
    made = Keeper()
    yield made
    made.close()


def shell(script: str, warden: Keeper, folder: Path) -> Child:
    return launch("sh", ["/bin/sh", "-c", script], keeper=warden, log=folder / "log", env={}, cwd=folder)


def wait_until(true: object, within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_child_that_dies_is_started_again_and_said_so(warden: Keeper, tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    first = supervisor.add("web", lambda: shell("sleep 60", warden, tmp_path))

    first.process.kill()
    first.process.wait()
    supervisor.tend()
    service = supervisor.services[0]
    assert service.child is None
    wait_until(lambda: supervisor.tend() or service.child is not None)

    assert service.child is not None
    assert service.child.process.pid != first.process.pid
    assert "web ended with code -9; it starts again in 0.5 s" in said[0]
    supervisor.stop()


def test_the_pause_doubles_while_it_keeps_dying(warden: Keeper, tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.add("web", lambda: shell("exit 3", warden, tmp_path))

    wait_until(lambda: supervisor.tend() or len(said) == 2)

    assert "in 0.5 s" in said[0]
    assert "in 1 s" in said[1]
    supervisor.stop()


def test_stopping_ends_grandchildren_that_ignore_the_signal(warden: Keeper, tmp_path: Path) -> None:
    child = shell("trap '' TERM; sh -c 'trap \"\" TERM; sleep 60' & echo $!; wait", warden, tmp_path)
    wait_until(lambda: child.log.read_text().strip())
    grandchild = int(child.log.read_text())

    child.stop(patience=0.2)

    wait_until(lambda: not keeping.start_time(grandchild))


def test_the_keeper_stops_what_is_left_when_its_pipe_closes(tmp_path: Path) -> None:
    warden = Keeper()
    child = shell("sleep 60", warden, tmp_path)

    warden.close()

    assert child.process.wait(timeout=60) == -signal.SIGTERM


def test_a_number_used_again_by_a_stranger_is_left_alone(tmp_path: Path, warden: Keeper) -> None:
    child = shell("sleep 60", warden, tmp_path)

    keeping.stop(child.process.pid, "1", signal.SIGTERM)
    assert child.running

    keeping.stop(child.process.pid, keeping.start_time(child.process.pid), signal.SIGTERM)
    assert not child.running
