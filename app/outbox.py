"""The transactional outbox: what follows from a change leaves only after its commit.

`enqueue` writes an event in the same transaction. The relay (`app.relay`)
drains events in batches into Celery; delivery is at least once and in no
promised order, so the runner remembers each event it has handled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Identity, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

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


_INSERT = text(
    "WITH queued AS (INSERT INTO app.outbox_event (id, job, arguments, acts_under, created_at)"
    " SELECT *, now() FROM unnest(cast(:ids AS text[]), cast(:jobs AS text[]),"
    " cast(:arguments AS jsonb[]), cast(:actors AS jsonb[])) RETURNING 1)"
    " SELECT pg_notify(:channel, '') FROM queued LIMIT 1"
)


def _write(session: Session, rows: Sequence[tuple[str, str, str, str]]) -> None:
    ids, jobs, arguments, actors = (list(column) for column in zip(*rows, strict=True))
    session.execute(_INSERT, {"ids": ids, "jobs": jobs, "arguments": arguments, "actors": actors, "channel": CHANNEL})


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def stored(who: Principal) -> dict[str, Any]:
    """Return a Principal as JSON values; tokens are not kept."""
    said = {name: value for name, value in asdict(who).items() if value not in (None, (), frozenset(), 0)}
    said["scopes"] = sorted(who.scopes)
    said.pop("token_id", None)
    return said


def restored(said: dict[str, Any]) -> Principal:
    """Return the Principal a job acts under."""
    values = dict(said)
    values["kind"] = Kind(values["kind"])
    values["scopes"] = frozenset(values.get("scopes", ()))
    values["desks"] = tuple(tuple(desk) for desk in values.get("desks", ()))
    return Principal(**values)
