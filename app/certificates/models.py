"""A certificate and the key that signs it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, now
from app.ids import new_id

STATES = ("valid", "suspended", "revoked")


class Certificate(Base):
    """One certificate of one holder; claims are sealed, the signature covers their hash."""

    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("type", "source"),
        Index("ix_certificate_holder", "holder", "issued_at", "id"),
        CheckConstraint("state IN ('valid', 'suspended', 'revoked')", name="state"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("certificate"))
    type: Mapped[str] = mapped_column(String(80))
    holder: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(120))
    version: Mapped[int] = mapped_column(SmallInteger, default=1)
    state: Mapped[str] = mapped_column(String(12), default="valid")
    claims_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    claims_hash: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    state_changed_at: Mapped[datetime] = mapped_column(default=now)
