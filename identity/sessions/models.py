"""Browser sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class BrowserSession(Base):
    """One signed-in browser; only the hash of its cookie is kept. `staff_of` is the organisation it works for."""

    __tablename__ = "browser_session"
    __table_args__ = (
        Index(
            "ix_browser_session_acting_evidence", "acting_evidence",
            postgresql_where=text("acting_evidence is not null"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("session"))
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"), index=True)
    authentication_level: Mapped[int] = mapped_column(SmallInteger)
    staff_of: Mapped[str | None] = mapped_column(String(40))
    authenticated_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    # None: not asked yet; the person itself: chosen to act for oneself.
    acting_for: Mapped[str | None] = mapped_column(String(40))
    acting_evidence: Mapped[str | None] = mapped_column(String(40))
