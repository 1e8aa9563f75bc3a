"""De-duplication jobs and what they found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class FaceDedupJob(Base):
    """One search over all templates; the database itself refuses one person in both roles."""

    __tablename__ = "face_dedup_job"
    __table_args__ = (
        CheckConstraint("state in ('requested', 'approved', 'running', 'finished', 'failed')", name="state"),
        CheckConstraint("approved_by <> requested_by", name="two_persons"),
        CheckConstraint("state = 'requested' or approved_by is not null", name="approved"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("dedup"))
    reason: Mapped[str] = mapped_column(String(40))
    requested_by: Mapped[str] = mapped_column(String(80))
    approved_by: Mapped[str | None] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(12), default="requested")
    searched: Mapped[int] = mapped_column(Integer, default=0)
    requested_at: Mapped[datetime] = mapped_column(default=now)
    approved_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class FaceDedupFinding(Base):
    """Two persons whose templates are alike; gone with either template."""

    __tablename__ = "face_dedup_finding"
    __table_args__ = (CheckConstraint("first < second", name="order"),)

    job_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.face_dedup_job.id"), primary_key=True)
    first: Mapped[str] = mapped_column(String(40), primary_key=True, index=True)
    second: Mapped[str] = mapped_column(String(40), primary_key=True, index=True)
    found_at: Mapped[datetime] = mapped_column(default=now)
