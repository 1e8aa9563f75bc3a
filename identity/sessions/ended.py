"""Who wants to know that a browser session has ended: back-channel logout listens here."""

from __future__ import annotations

from collections.abc import Callable

from app.ports import Port

# Called with the id of each session that ends, in the unit of work that ends it.
session_ended: Port[Callable[[str], None]] = Port("identity.session_ended")


def tell(session_ids: list[str]) -> None:
    """Tell every listener of every session that ended."""
    for listener in session_ended.all().values():
        for session_id in session_ids:
            listener(session_id)
