"""Consent, sealed templates, and the data key of each citizen's face."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class FaceConsent(Base):
    """A citizen's separate consent to one purpose, in one wording. At most one is alive."""

    __tablename__ = "face_consent"
    __table_args__ = (
        Index(
            "uq_face_consent_alive", "person_id", "purpose", unique=True, postgresql_where=text("withdrawn_at is null")
        ),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("consent"))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"))
    purpose: Mapped[str] = mapped_column(String(40))
    version: Mapped[str] = mapped_column(String(20))
    # What was agreed to, and by whom where a guardian agreed for a child.
    notice_sha256: Mapped[str] = mapped_column(String(64))
    given_by: Mapped[str] = mapped_column(String(80))
    given_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    withdrawn_at: Mapped[datetime | None]


class FaceKey(Base):
    """A citizen's own data key, wrapped. Shredding empties it; the row stays as the proof.

    A table of its own, so that backups of templates can do without it.
    """

    __tablename__ = "face_key"
    __table_args__ = (CheckConstraint("(wrapped is null) = (shredded_at is not null)", name="shredded"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("facekey"))
    person_id: Mapped[str] = mapped_column(String(40), index=True)
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)
    shredded_at: Mapped[datetime | None]


class FaceTemplate(Base):
    """A citizen's rotated embedding, sealed for exactly this person, version, model and key."""

    __tablename__ = "face_template"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("face"))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"), unique=True)
    consent_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.face_consent.id"), index=True)
    version: Mapped[int] = mapped_column(Integer)
    model: Mapped[str] = mapped_column(String(60))
    rotation: Mapped[str] = mapped_column(String(20))
    key_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.face_key.id"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    photographs: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime] = mapped_column(default=now)
