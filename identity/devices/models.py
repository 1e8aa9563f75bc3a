"""Terminals: a key in a known place of a known organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class Device(Base):
    """A terminal. `access` lists its scopes by audience; `demo_key_sealed` exists in the demo only."""

    __tablename__ = "device"
    __table_args__ = (CheckConstraint("state in ('active', 'suspended')", name="state"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("terminal"))
    organisation_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.organisation.id"), index=True)
    place: Mapped[str] = mapped_column(String(12))
    label: Mapped[str] = mapped_column(String(80))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    thumbprint: Mapped[str] = mapped_column(String(43), unique=True)
    access: Mapped[dict[str, list[str]]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(12), default="active")
    demo_key_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
