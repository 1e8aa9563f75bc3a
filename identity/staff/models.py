"""Staff roles, and acts that wait for their second person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class StaffRole(Base):
    """What one person may do for one organisation, below one area, in a span of time."""

    __tablename__ = "staff_role"
    __table_args__ = (
        Index("uq_staff_role_open", "person_id", "organisation_id", "role", "area", unique=True,
              postgresql_where=text("ended_at is null")),
        CheckConstraint(
            "role in ('administrator', 'clients', 'devices', 'people', 'window', 'presence-check', 'face-dedup')",
            name="role",
        ),
        CheckConstraint("valid_until is null or valid_until > valid_from", name="span"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("staffrole"))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"))
    organisation_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.organisation.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    area: Mapped[str] = mapped_column(String(12))
    valid_from: Mapped[datetime] = mapped_column(default=now)
    valid_until: Mapped[datetime | None]
    given_by: Mapped[str] = mapped_column(String(40))
    ended_at: Mapped[datetime | None]


class Approval(Base):
    """A dangerous act: proposed by one, approved by another in another session, executed once.

    `arguments` hold ids and words only.
    """

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint("state in ('proposed', 'approved', 'refused', 'executed')", name="state"),
        CheckConstraint("decided_by is null or state = 'refused' or decided_by <> proposed_by", name="four_eyes"),
        CheckConstraint(
            "decided_session is null or proposed_session is null or state = 'refused'"
            " or decided_session <> proposed_session",
            name="two_sessions",
        ),
        CheckConstraint("state not in ('approved', 'executed') or decided_by is not null", name="decided"),
        Index("ix_approval_created_at_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("approval"))
    act: Mapped[str] = mapped_column(String(40))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), default="proposed")
    proposed_by: Mapped[str] = mapped_column(String(40))
    proposed_session: Mapped[str | None] = mapped_column(String(40))
    decided_by: Mapped[str | None] = mapped_column(String(40))
    decided_session: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    executed_at: Mapped[datetime | None]
