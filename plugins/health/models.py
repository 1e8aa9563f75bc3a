"""Medicines, quotes, settlements, and every message that went to the insurer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    String,
    text,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.api import new_id, now
from plugins.health.schema import Base

# One sequence for all workers: two tills of one pharmacy in one second must not share a message id.
MESSAGE_SEQUENCE = Sequence(
    "message_sequence", schema="health", minvalue=0, maxvalue=9999, start=0, cycle=True, metadata=Base.metadata
)


class CatalogueItem(Base):
    """One version of one medicine; the newest version without `ended_at` counts."""

    __tablename__ = "catalogue_item"
    __table_args__ = (
        Index("uq_catalogue_item_current", "code", unique=True, postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("price_limit_fen > 0", name="limit"),
        CheckConstraint("copay_basis_points BETWEEN 0 AND 10000", name="copay"),
    )

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    spec: Mapped[str] = mapped_column(String(120))
    price_limit_fen: Mapped[int] = mapped_column(BigInteger)
    copay_basis_points: Mapped[int] = mapped_column(Integer)
    prescription: Mapped[bool]
    traced: Mapped[bool] = mapped_column(default=False)
    since: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class Pharmacy(Base):
    """A designated pharmacy: by which code the insurer knows an organisation."""

    __tablename__ = "pharmacy"

    organisation: Mapped[str] = mapped_column(String(40), primary_key=True)
    institution: Mapped[str] = mapped_column(String(12), unique=True)
    area: Mapped[str] = mapped_column(String(6))
    title: Mapped[str] = mapped_column(String(120))


class Voucher(Base):
    """The e-voucher token by which the insurer knows a subject; sealed, never shown."""

    __tablename__ = "voucher"

    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    token_sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SignIn(Base):
    """An operator's day with the insurer."""

    __tablename__ = "sign_in"

    institution: Mapped[str] = mapped_column(String(12), primary_key=True)
    operator: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(64))


class InsurerMessage(Base):
    """A message to the insurer, committed before it is sent: otherwise nothing is left to ask about."""

    __tablename__ = "insurer_message"
    __table_args__ = (CheckConstraint("state in ('sent', 'answered', 'refused', 'unsent', 'unknown')", name="state"),)

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    transaction: Mapped[str] = mapped_column(String(8))
    institution: Mapped[str] = mapped_column(String(12))
    settlement_id: Mapped[str | None] = mapped_column(String(40), index=True)
    state: Mapped[str] = mapped_column(String(10), default="sent")
    code: Mapped[str | None] = mapped_column(String(40))
    sent_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class Quote(Base):
    """What a purchase would cost whom; binding for a few minutes and for one proof."""

    __tablename__ = "quote"
    __table_args__ = (
        CheckConstraint("total_fen = fund_fen + account_fen + cash_fen", name="sum"),
        CheckConstraint("least(fund_fen, account_fen, cash_fen) >= 0", name="parts"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("quote"))
    organisation: Mapped[str] = mapped_column(String(40))
    terminal: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(40))
    proof: Mapped[str] = mapped_column(String(60))
    person_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    scheme: Mapped[str] = mapped_column(String(12))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    total_fen: Mapped[int] = mapped_column(BigInteger)
    fund_fen: Mapped[int] = mapped_column(BigInteger)
    account_fen: Mapped[int] = mapped_column(BigInteger)
    cash_fen: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class Settlement(Base):
    """One intent to settle one quote, and all that became of it. The key is kept for ever.

    `subject` is the patient; `payer` is whose personal account is drawn on.
    """

    __tablename__ = "settlement"
    __table_args__ = (
        CheckConstraint(
            "state in ('submitted', 'unknown', 'reversing', 'undoing', 'settled', 'refused', 'reversed', 'undone')",
            name="state",
        ),
        CheckConstraint("total_fen = fund_fen + account_fen + cash_fen", name="sum"),
        CheckConstraint("state <> 'settled' OR insurer_number IS NOT NULL", name="settled"),
        CheckConstraint(
            "(state in ('submitted', 'unknown', 'reversing', 'undoing')) = (ended_at IS NULL)", name="ended"
        ),
        Index("ix_settlement_subject", "subject", "created_at", "id"),
        Index("ix_settlement_open", "sent_at", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("settlement"))
    key: Mapped[str] = mapped_column(String(255), unique=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    quote_id: Mapped[str] = mapped_column(String(40), ForeignKey("health.quote.id"), unique=True)
    organisation: Mapped[str] = mapped_column(String(40), index=True)
    terminal: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(40))
    payer: Mapped[str] = mapped_column(String(40))
    scheme: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10), default="submitted")
    reason: Mapped[str | None] = mapped_column(String(40))
    message: Mapped[str | None] = mapped_column(String(30), unique=True)
    insurer_number: Mapped[str | None] = mapped_column(String(64), unique=True)
    total_fen: Mapped[int] = mapped_column(BigInteger)
    fund_fen: Mapped[int] = mapped_column(BigInteger)
    account_fen: Mapped[int] = mapped_column(BigInteger)
    cash_fen: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    lines: Mapped[list[SettlementLine]] = relationship(order_by="SettlementLine.position", lazy="selectin")


class SettlementLine(Base):
    """One medicine of a settlement, as it was sold."""

    __tablename__ = "settlement_line"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND price_fen >= 0 AND amount_fen = quantity * price_fen", name="amount"),
    )

    settlement_id: Mapped[str] = mapped_column(String(40), ForeignKey("health.settlement.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(120))
    quantity: Mapped[int] = mapped_column(Integer)
    price_fen: Mapped[int] = mapped_column(BigInteger)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    trace_codes: Mapped[list[str]] = mapped_column(JSONB, default=list)


class TraceCodeUse(Base):
    """One sale of one pack by its traceability code; sold again only after it was returned."""

    __tablename__ = "trace_code_use"
    __table_args__ = (
        Index("uq_trace_code_use_sold", "code", unique=True, postgresql_where=text("returned_at IS NULL")),
        Index("ix_trace_code_use_code", "code", "claimed_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(String(30))
    settlement_id: Mapped[str] = mapped_column(String(40), ForeignKey("health.settlement.id"), index=True)
    claimed_at: Mapped[datetime] = mapped_column(default=now)
    returned_at: Mapped[datetime | None]


UNDECIDED = ("submitted", "unknown")
OPEN = (*UNDECIDED, "reversing", "undoing")
