"""What officials attest."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class PresenceAttestation(Base):
    """One official saw a person at a terminal for a purpose; the number attested is a keyed hash. Used once."""

    __tablename__ = "presence_attestation"
    __table_args__ = (Index("ix_presence_attestation_claim", "claim_index", "terminal"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("attestation"))
    claim_index: Mapped[bytes] = mapped_column(LargeBinary)
    terminal: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(80))
    official: Mapped[str] = mapped_column(String(80))
    document: Mapped[str] = mapped_column(String(20))
    made_at: Mapped[datetime] = mapped_column(default=now, index=True)
    consumed_at: Mapped[datetime | None]
