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
    """A terminal. `access` lists its scopes by audience; `demo_key_sealed` exists in the demo only.

    `attestation` is what its maker says of the key's keeper and how far that was checked.
    """

    __tablename__ = "device"
    __table_args__ = (CheckConstraint("state in ('active', 'suspended', 'retired')", name="state"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("terminal"))
    organisation_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.organisation.id"), index=True)
    place: Mapped[str] = mapped_column(String(12))
    label: Mapped[str] = mapped_column(String(80))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    thumbprint: Mapped[str] = mapped_column(String(43), unique=True)
    access: Mapped[dict[str, list[str]]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(12), default="active")
    attestation: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    demo_key_sealed: Mapped[bytes | None]
    last_seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class EnrolmentCode(Base):
    """A code that lets one terminal bring its key, once; `device_id` names the one whose key it replaces."""

    __tablename__ = "enrolment_code"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(40), unique=True, default=lambda: new_id("enrolcode"))
    organisation_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.organisation.id"))
    device_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("identity.device.id"))
    place: Mapped[str] = mapped_column(String(12))
    label: Mapped[str] = mapped_column(String(80))
    access: Mapped[dict[str, list[str]]] = mapped_column(JSONB)
    made_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    consumed_at: Mapped[datetime | None]
