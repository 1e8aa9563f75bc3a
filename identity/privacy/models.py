"""Exports that wait to be fetched once, and requests to be forgotten."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class DataExport(Base):
    """All we hold about one person, sealed until they fetch it; then nothing is left of it."""

    __tablename__ = "data_export"
    __table_args__ = (
        CheckConstraint("state in ('queued', 'ready', 'fetched', 'expired')", name="state"),
        CheckConstraint("(state = 'ready') = (sealed is not null)", name="sealed"),
        Index("uq_data_export_open", "person_id", unique=True, postgresql_where=text("state in ('queued', 'ready')")),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("export"))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"))
    asked_by: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), default="queued")
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    fetched_at: Mapped[datetime | None]


class ErasureRequest(Base):
    """A request to be forgotten; it rests for the cooling-off time, in which it can be taken back."""

    __tablename__ = "erasure_request"
    __table_args__ = (
        CheckConstraint("state in ('cooling', 'cancelled', 'done')", name="state"),
        Index("uq_erasure_request_open", "person_id", unique=True, postgresql_where=text("state = 'cooling'")),
        Index("ix_erasure_request_due", "due_at", postgresql_where=text("state = 'cooling'")),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("erasure"))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"))
    asked_by: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), default="cooling")
    kept: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
