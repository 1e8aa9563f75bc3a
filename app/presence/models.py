"""Sessions, captures seen, proofs, one-time codes and counts of guesses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, now
from app.ids import new_id


class PresenceSession(Base):
    """One customer before one terminal; takes evidence once. Expired is a matter of the clock."""

    __tablename__ = "presence_session"
    __table_args__ = (
        CheckConstraint("state in ('open', 'decided')", name="state"),
        CheckConstraint("decision in ('matched', 'not_matched', 'retry', 'use_alternative')", name="decision"),
        Index("ix_presence_session_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("presence"))
    terminal: Mapped[str] = mapped_column(String(80))
    organisation: Mapped[str | None] = mapped_column(String(40))
    place: Mapped[str | None] = mapped_column(String(12))
    purpose: Mapped[str] = mapped_column(String(80))
    nonce: Mapped[str] = mapped_column(String(64))
    # Set where a citizen's own phone opened the session: whom it is for, and the head turns asked.
    party: Mapped[str | None] = mapped_column(String(40))
    challenge: Mapped[str | None] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(12), default="open")
    method: Mapped[str | None] = mapped_column(String(20))
    decision: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    @property
    def turns(self) -> tuple[str, ...]:
        """The head turns this session asks for, in order; empty where a terminal attests."""
        return tuple(self.challenge.split()) if self.challenge else ()

    @property
    def status(self) -> str:
        """What the terminal is told: open, decided or expired."""
        return "expired" if self.state == "open" and self.expires_at <= now() else self.state


class PresenceCapture(Base):
    """The digest of a picture once sent: it is never taken again, in no session."""

    __tablename__ = "presence_capture"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[str] = mapped_column(String(40))
    seen_at: Mapped[datetime] = mapped_column(default=now, index=True)


class PresenceProof(Base):
    """A person was at a terminal for a purpose; used once, for what the person confirmed."""

    __tablename__ = "presence_proof"
    __table_args__ = (
        CheckConstraint("(bound_digest is null) = (confirmed_at is null)", name="confirmed"),
        CheckConstraint("consumed_at is null or bound_digest is not null", name="consumed"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("proof"))
    session_id: Mapped[str] = mapped_column(String(40), unique=True)
    party: Mapped[str] = mapped_column(String(40), index=True)
    terminal: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(80))
    method: Mapped[str] = mapped_column(String(20))
    level: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    bound_digest: Mapped[str | None] = mapped_column(String(64))
    confirmed_by: Mapped[str | None] = mapped_column(String(8))
    confirmed_at: Mapped[datetime | None]
    consumed_at: Mapped[datetime | None]


class PresenceCode(Base):
    """A one-time code a signed-in citizen shows; kept as a keyed hash."""

    __tablename__ = "presence_code"

    code_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    party: Mapped[str] = mapped_column(String(40), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    consumed_at: Mapped[datetime | None]


class PresenceGuess(Base):
    """How often one terminal, or one claim at one terminal, was judged since its window began."""

    __tablename__ = "presence_guess"

    target: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    guesses: Mapped[int] = mapped_column(Integer)
    window_started_at: Mapped[datetime] = mapped_column(index=True)
