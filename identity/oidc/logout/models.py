"""Log-outs that clients are still to be told of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class LogoutDelivery(Base):
    """One client to be told that one of its sessions ended; `subject` and `sid` are as that client knows them."""

    __tablename__ = "logout_delivery"
    __table_args__ = (
        CheckConstraint("state in ('waiting', 'delivered', 'given_up')", name="state"),
        Index("ix_logout_delivery_due", "next_attempt_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("logout"))
    client_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.client.id"))
    subject: Mapped[str] = mapped_column(String(40))
    sid: Mapped[str] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    next_attempt_at: Mapped[datetime] = mapped_column(default=now)
    created_at: Mapped[datetime] = mapped_column(default=now)
