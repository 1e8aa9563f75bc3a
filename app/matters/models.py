"""Categories and matters; both are declared in files and loaded, never edited in place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, now


class Category(Base):
    """A shelf of the catalogue."""

    __tablename__ = "category"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    title_zh: Mapped[str] = mapped_column(String(100))
    title_en: Mapped[str] = mapped_column(String(200))


class Matter(Base):
    """One public service item; `source` says where days and materials come from."""

    __tablename__ = "matter"
    __table_args__ = (Index("ix_matter_category", "category", "code"),)

    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    category: Mapped[str] = mapped_column(ForeignKey("app.category.code"))
    title_zh: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(300))
    owner: Mapped[str] = mapped_column(String(100))
    area: Mapped[str] = mapped_column(String(12))
    statutory_days: Mapped[int | None] = mapped_column(SmallInteger)
    promised_days: Mapped[int | None] = mapped_column(SmallInteger)
    materials: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    channels: Mapped[list[str]] = mapped_column(JSONB)
    source: Mapped[str] = mapped_column(String(300))
    changed_at: Mapped[datetime] = mapped_column(default=now)
