"""Log-in accounts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class Account(Base):
    """What a person logs in to; `login_name` is kept in lower case."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("state in ('active', 'disabled')", name="state"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("account"))
    login_name: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="active")
    created_at: Mapped[datetime] = mapped_column(default=now)
