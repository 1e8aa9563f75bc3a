"""Secrets that people know, and the count of wrong guesses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class Authenticator(Base):
    """One way into an account; for a password `secret` is its argon2id hash."""

    __tablename__ = "authenticator"
    __table_args__ = (UniqueConstraint("account_id", "kind"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("authn"))
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"))
    kind: Mapped[str] = mapped_column(String(20))
    secret: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime] = mapped_column(default=now)


class GuessCount(Base):
    """Guesses at one target (keyed hash of a log-in name) from one source since the window began."""

    __tablename__ = "guess_count"

    target: Mapped[bytes] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    guesses: Mapped[int] = mapped_column(Integer)
    window_started_at: Mapped[datetime]
