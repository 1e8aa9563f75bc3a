"""Invitations: initial access tokens that administration gives out (RFC 7591, 3)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class RegistrationInvite(Base):
    """Lets one program register once; what it may ever ask for is decided here, not by the program."""

    __tablename__ = "registration_invite"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(40), unique=True, default=lambda: new_id("invite"))
    access: Mapped[dict[str, list[str]]] = mapped_column(JSONB)
    serves: Mapped[str | None] = mapped_column(String(80))
    detail_types: Mapped[list[str]] = mapped_column(JSONB, default=list)
    organisation_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("identity.organisation.id"))
    client_id: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    consumed_at: Mapped[datetime | None]
