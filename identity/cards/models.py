"""Cards that citizens carry; number sealed, PIN as argon2id hash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class PresenceCard(Base):
    """One card of one citizen. A blocked card stays, so that its number is never issued again."""

    __tablename__ = "presence_card"
    __table_args__ = (CheckConstraint("state in ('active', 'blocked')", name="state"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("card"))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"), index=True)
    number_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    number_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    pin: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(12), default="active")
    issued_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)
