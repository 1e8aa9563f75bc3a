"""Which outside account opens which account here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class ProviderLink(Base):
    """One account's link to one provider; the provider's own id is kept as a keyed hash.

    A row without `subject_index` says only that its owner wants no such
    log-in; `ended_at` turns the link off until the owner turns it on.
    """

    __tablename__ = "provider_link"
    __table_args__ = (UniqueConstraint("provider", "account_id"), UniqueConstraint("provider", "subject_index"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("link"))
    provider: Mapped[str] = mapped_column(String(32))
    subject_index: Mapped[bytes | None]
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
