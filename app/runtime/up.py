"""`suxin up`: from nothing to a serving city, and back to nothing."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from app.config import BadSetting, Settings
from app.runtime import attach, checks, owner
from app.runtime.children import Keeper
from app.runtime.city import City
from app.runtime.errors import CannotStart, from_os_error
from app.runtime.paths import open_places
from app.runtime.progress import Progress
from app.runtime.supervisor import Supervisor

WRONG_START = 2


@click.command()
@click.option("--demo", is_flag=True, help="Seed the demo world and play its story once.")
@click.option("--once", is_flag=True, help="End after the start (and the story), with the story's code.")
def up(demo: bool, once: bool) -> None:
    """Start the whole city and serve until Ctrl-C."""
    sys.exit(serve(demo=demo, once=once))


def serve(*, demo: bool = False, once: bool = False) -> int:
    """Serve until Ctrl-C or SIGTERM; returns the exit code.

    With `demo` the demo world is seeded and its story played; with `once` the
    run ends after that, with the story's code.
    """
    progress = Progress()
    try:
        with _stoppable():
            return _run(progress, demo=demo, once=once)
    except (CannotStart, BadSetting) as error:
        return _refused(progress, str(error))
    except OSError as error:
        return _refused(progress, str(from_os_error(error)))
    except KeyboardInterrupt:
        return 0


def _refused(progress: Progress, sentence: str) -> int:
    progress.quiet()
    click.echo(f"suxin: {sentence}", err=True)
    return WRONG_START


def _run(progress: Progress, *, demo: bool, once: bool) -> int:
    settings = Settings.from_env(os.environ)
    with ExitStack() as stack:
        places = open_places(settings.state_dir)
        lock = stack.enter_context(owner.owned(places.state))
        checks.port_is_free(settings.port)
        checks.disk_has_room(places.servers)
        keeper = Keeper(lock)
        stack.callback(keeper.close)
        supervisor = Supervisor(progress.say)
        stack.callback(_stop_all, supervisor, progress)
        city = City(settings, places, keeper, supervisor, progress, demo)
        city.start()
        stack.callback(attach.withdraw, places.state)
        code = city.play() if demo else 0
        city.greet()
        progress.quiet()
        while not once:
            supervisor.tend()
            time.sleep(0.2)
        return code


def _stop_all(supervisor: Supervisor, progress: Progress) -> None:
    # A second Ctrl-C must not leave half of it behind.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if supervisor.services:
        progress.quiet()
        progress.say("Stopping…")
        supervisor.stop()


@contextmanager
def _stoppable() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    up()
