"""Places where identity and plugins put what the core asks for without importing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Flask, current_app

T = TypeVar("T")
_KEY = "suxin.ports"


class PortTaken(Exception):
    """Two owners want the same name on one port."""


class PortEmpty(LookupError):
    """Nobody registered what the core needs here."""


class Port(Generic[T]):
    """A named seam: owners bind values under names, the core looks them up per app."""

    def __init__(self, name: str) -> None:
        self.name = name

    def bind(self, app: Flask, name: str, value: T) -> None:
        """Register a value; raises `PortTaken` when the name is in use."""
        held = self._held(app)
        if name in held:
            raise PortTaken(f"{self.name}:{name}")
        held[name] = value

    def all(self) -> dict[str, T]:
        """Return every value by name, in the current app."""
        return dict(self._held(current_app))

    def get(self, name: str) -> T | None:
        """Return one value, or None."""
        return self._held(current_app).get(name)

    def only(self) -> T:
        """Return the single value; raises `PortEmpty` unless there is exactly one."""
        held = self._held(current_app)
        if len(held) != 1:
            raise PortEmpty(f"{self.name}: {len(held)} registered, one is needed")
        return next(iter(held.values()))

    def _held(self, app: Flask) -> dict[str, T]:
        ports: dict[str, dict[str, Any]] = app.extensions.setdefault(_KEY, {})
        return ports.setdefault(self.name, {})


@dataclass(frozen=True, slots=True)
class Provider:
    """One value an owner offers on a port."""

    port: Port[Any]
    name: str
    value: Any
