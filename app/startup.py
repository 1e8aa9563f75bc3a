"""Start a process quickly: what is made while it starts lives as long as the process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Run a start without looking for garbage, then keep what it made out of every later look.

    Modules, models and routes are never garbage; walking them costs a tenth of
    a start, and after a fork it would copy pages that processes could share.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
