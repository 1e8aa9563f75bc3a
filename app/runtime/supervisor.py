"""Keeps services running: starts them, starts a dead one again, stops all in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from app.runtime.children import Child

_LONGEST_DELAY_SECONDS = 30.0
_SETTLED_SECONDS = 60.0


@dataclass(slots=True)
class Service:
    """One process to keep running; `start` begins it and returns the child."""

    name: str
    start: Callable[[], Child]
    foundation: bool = False
    child: Child | None = None
    failures: int = 0
    began_at: float = 0.0
    due_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """The running services, in the order they were started."""

    say: Callable[[str], None]
    services: list[Service] = field(default_factory=list)

    def add(self, name: str, start: Callable[[], Child], *, foundation: bool = False) -> Child:
        """Start a service and keep it running from now on; the others stand on a `foundation`."""
        service = Service(name, start, foundation, start(), began_at=time.monotonic())
        self.services.append(service)
        assert service.child is not None
        return service.child

    def tend(self) -> None:
        """Start again what has died, each time after twice the delay."""
        for service in self.services:
            if service.child is not None and not service.child.running:
                self._bury(service)
            if service.child is None and time.monotonic() >= service.due_at:
                self._revive(service)

    def stop(self) -> None:
        """Stop all: first what stands on the foundations, at once, then those, last started first."""
        for service in self.services:
            if service.child is not None and not service.foundation:
                service.child.ask()
        while self.services:
            service = self.services.pop()
            if service.child is not None:
                service.child.stop()

    def _bury(self, service: Service) -> None:
        assert service.child is not None
        code = service.child.process.returncode
        service.child.collect()
        if time.monotonic() - service.began_at > _SETTLED_SECONDS:
            service.failures = 0
        delay = min(_LONGEST_DELAY_SECONDS, 0.5 * 2**service.failures)
        service.failures += 1
        service.due_at = time.monotonic() + delay
        self.say(f"{service.name} ended with code {code}; it starts again in {delay:g} s (log: {service.child.log})")
        service.child = None

    def _revive(self, service: Service) -> None:
        service.began_at = time.monotonic()
        try:
            service.child = service.start()
        except Exception as error:
            service.due_at = time.monotonic() + _LONGEST_DELAY_SECONDS
            self.say(f"{service.name} does not start: {error}")
