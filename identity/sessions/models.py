"""Browser sessions, and how one is begun from another device."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class BrowserSession(Base):
    """One signed-in browser; only the hash of its cookie is kept. `staff_of` is the organisation it works for.

    It ends at `expires_at` at the latest, and at `idle_until` unless it is used
    before. `assisted_by` is the official at a window who opened it for a
    person present, and why.
    """

    __tablename__ = "browser_session"
    __table_args__ = (
        CheckConstraint("(assisted_by is null) = (assist_reason is null)", name="assisted"),
        Index(
            "ix_browser_session_acting_evidence", "acting_evidence",
            postgresql_where=text("acting_evidence is not null"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("session"))
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"), index=True)
    authentication_level: Mapped[int] = mapped_column(SmallInteger)
    staff_of: Mapped[str | None] = mapped_column(String(40))
    methods: Mapped[list[str]] = mapped_column(JSONB, default=list)
    authenticated_at: Mapped[datetime] = mapped_column(default=now)
    place: Mapped[str] = mapped_column(String(40), default="")
    agent: Mapped[str] = mapped_column(String(40), default="")
    shared: Mapped[bool] = mapped_column(Boolean, default=False)
    assisted_by: Mapped[str | None] = mapped_column(String(40))
    assist_reason: Mapped[str | None] = mapped_column(String(200))
    begun_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    idle_until: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    # None: not asked yet; the person itself: chosen to act for oneself.
    acting_for: Mapped[str | None] = mapped_column(String(40))
    acting_evidence: Mapped[str | None] = mapped_column(String(40))


class CrossDeviceLogIn(Base):
    """A screen that waits for a signed-in phone; the number on it is typed on the phone, once."""

    __tablename__ = "cross_device_log_in"
    __table_args__ = (
        CheckConstraint("state in ('shown', 'approved', 'denied', 'used')", name="state"),
        CheckConstraint("(state in ('approved', 'used')) = (account_id is not null)", name="approved"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("qr"))
    screen_hash: Mapped[bytes] = mapped_column(unique=True)
    browser_hash: Mapped[bytes]
    link_hash: Mapped[bytes] = mapped_column(unique=True)
    number_hash: Mapped[bytes]
    network_hash: Mapped[bytes]
    place: Mapped[str] = mapped_column(String(40))
    agent: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), default="shown")
    account_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("identity.account.id"))
    authentication_level: Mapped[int] = mapped_column(SmallInteger, default=0)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Ticket(Base):
    """What a window official or a terminal hands a person present: a short code, used once.

    `log-in` opens a session the official answers for; `recovery` lets the
    person set a new password. It says who checked the person, how and why.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("kind in ('log-in', 'recovery')", name="kind"),
        CheckConstraint("evidence in ('presence', 'card')", name="evidence"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("ticket"))
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"), index=True)
    evidence: Mapped[str] = mapped_column(String(10))
    authentication_level: Mapped[int] = mapped_column(SmallInteger)
    issued_by: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=now)
    ready_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    consumed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
