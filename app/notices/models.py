"""A notice: a declared kind with its values, written for one party."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, now
from app.ids import new_id


class Notice(Base):
    """One message; the wording comes from the kind, so a correction reaches old ones, too."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_party", "party", "created_at", "id"),
        UniqueConstraint("party", "kind", "reference"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("notice"))
    party: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(80))
    reference: Mapped[str] = mapped_column(String(80))
    arguments: Mapped[dict[str, str]] = mapped_column(JSONB)
    link: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(default=now)
    read_at: Mapped[datetime | None]
