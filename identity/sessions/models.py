"""Browser sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class BrowserSession(Base):
    """One signed-in browser; only the hash of its cookie is kept. `staff_of` is the organisation it works for."""

    __tablename__ = "browser_session"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("session"))
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"), index=True)
    authentication_level: Mapped[int] = mapped_column(SmallInteger)
    staff_of: Mapped[str | None] = mapped_column(String(40))
    authenticated_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
