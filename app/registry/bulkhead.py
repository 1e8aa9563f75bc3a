"""A slow plugin holds at most its own slots: surplus calls get 503 at once, the core goes on."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

from app.config import Settings
from app.errors import Unavailable
from app.registry.check import IDENTITY
from app.registry.contract import Plugin
from app.text import Text

if TYPE_CHECKING:
    from app.registry.mount import Registry


class PluginBusy(Unavailable):
    title = Text("该服务正忙", "This service is busy")


def hold(app: Flask, plugin: Plugin, endpoints: Iterable[str]) -> None:
    """Let at most `plugin.slots` calls of these endpoints run at once in this process.

    Identity answers for the core and is not held.
    """
    if plugin.name == IDENTITY:
        return
    free = threading.BoundedSemaphore(plugin.slots)
    for endpoint in endpoints:
        app.view_functions[endpoint] = _held(app.view_functions[endpoint], free, plugin.name)


def _held(view: Any, free: threading.BoundedSemaphore, name: str) -> Any:
    @functools.wraps(view)
    def one_of_few(*args: Any, **kwargs: Any) -> Any:
        if not free.acquire(blocking=False):
            raise PluginBusy(plugin=name, headers={"Retry-After": "1"})
        try:
            return view(*args, **kwargs)
        finally:
            free.release()

    return one_of_few


def threads_needed(registry: Registry, settings: Settings) -> int:
    """Return how many threads a web process needs so that full plugins leave the core its slots."""
    return settings.core_slots + sum(plugin.slots for plugin in registry.mounted if plugin.name != IDENTITY)
