"""The transactional outbox: what follows from a change leaves only after its commit.

`enqueue` writes an event in the same transaction. The relay (`app.relay`)
drains events in batches into Celery; delivery is at least once and in no
promised order, so the runner remembers each event it has handled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Identity, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.closing import quoted
from app.db import Base, now, work
from app.ids import new_id
from app.principal import Kind, Principal, principal

CHANNEL = "suxin_outbox"


class OutboxEvent(Base):
    """One job that waits for the relay."""

    __tablename__ = "outbox_event"

    position: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[str] = mapped_column(String(40))
    job: Mapped[str] = mapped_column(String(80))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    acts_under: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(default=now)


class HandledEvent(Base):
    """An event whose job has run; the row commits with the job's own changes."""

    __tablename__ = "handled_event"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


def enqueue(job: str, /, **arguments: Any) -> None:
    """Queue a job in this unit of work; arguments are ids and plain JSON values.

    It runs after the commit, under the Principal that acts now.
    """
    row = (new_id("event"), job, _json(arguments), _json(stored(principal())))
    work().gather(_write, row)


def _write(rows: Sequence[tuple[str, str, str, str]]) -> str:
    lines = [f"({','.join(map(quoted, row))},now())" for row in rows]
    return (
        "INSERT INTO app.outbox_event (id, job, arguments, acts_under, created_at) VALUES "  # noqa: S608 - all quoted
        f"{','.join(lines)};NOTIFY {CHANNEL}"
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def stored(who: Principal) -> dict[str, Any]:
    """Return a Principal as JSON values; tokens are not kept."""
    said = {name: value for name in _KEPT if (value := getattr(who, name)) not in _NOTHING}
    said["scopes"] = sorted(who.scopes)
    return said


_KEPT = tuple(field.name for field in fields(Principal) if field.name != "token_id")
_NOTHING: tuple[Any, ...] = (None, (), frozenset(), 0)


def restored(said: dict[str, Any]) -> Principal:
    """Return the Principal a job acts under."""
    values = dict(said)
    values["kind"] = Kind(values["kind"])
    values["scopes"] = frozenset(values.get("scopes", ()))
    values["desks"] = tuple(tuple(desk) for desk in values.get("desks", ()))
    return Principal(**values)
