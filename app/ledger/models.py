"""Accounts, transfers and their entries. Written by SQL functions alone (migrations, app_0007_ledger.sql)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)  # fmt: skip
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, now
from app.ids import new_id

MOVE, RESERVE, POST, VOID, REVERSE = "move", "reserve", "post", "void", "reverse"


class LedgerAccount(Base):
    """What a party or a fund has, in fen.

    A `hot` account is touched by very many transfers at once: its balance is
    counted by a job, it has no floor, and no transfer waits for its row.
    """

    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint("owner", "code", "holder"),
        CheckConstraint("floor is null or balance >= floor", name="floor"),
        CheckConstraint("not hot or floor is null", name="hot_has_no_floor"),
        CheckConstraint("state in ('open', 'closed')", name="state"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("money"))
    owner: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(60))
    holder: Mapped[str] = mapped_column(String(40), default="")
    hot: Mapped[bool] = mapped_column(Boolean, default=False)
    floor: Mapped[int | None] = mapped_column(BigInteger)
    balance: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(String(10), default="open")
    opened_at: Mapped[datetime] = mapped_column(default=now)


class LedgerTransfer(Base):
    """One movement, for ever answerable by its owner's key; `business_day` is the city's, by the server's clock."""

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        UniqueConstraint("owner", "key"),
        UniqueConstraint("id", "kind"),
        ForeignKeyConstraint(["parent_id", "parent_kind"], ["app.ledger_transfer.id", "app.ledger_transfer.kind"]),
        CheckConstraint(
            "(kind in ('move', 'reserve') and parent_id is null and parent_kind is null)"
            " or (parent_id is not null and parent_kind is not null and ("
            "(kind in ('post', 'void') and parent_kind = 'reserve')"
            " or (kind = 'reverse' and parent_kind in ('move', 'post'))))",
            name="kind",
        ),
        Index(
            "uq_ledger_transfer_resolution", "parent_id", unique=True, postgresql_where=text("kind in ('post', 'void')")
        ),
        Index("uq_ledger_transfer_reversal", "parent_id", unique=True, postgresql_where=text("kind in ('reverse')")),
        Index("ix_ledger_transfer_business_day", "owner", "business_day"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(200))
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str] = mapped_column(String(10))
    parent_id: Mapped[str | None] = mapped_column(String(40))
    parent_kind: Mapped[str | None] = mapped_column(String(10))
    reference: Mapped[str] = mapped_column(String(120))
    business_day: Mapped[date] = mapped_column(Date, server_default=text("(now() at time zone 'Asia/Shanghai')::date"))
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class LedgerEntry(Base):
    """One leg of a transfer: fen that come to an account (positive) or leave it."""

    __tablename__ = "ledger_entry"
    # No foreign key to the account: it would lock a hot account's row in every transfer. Accounts are never deleted.
    __table_args__ = (CheckConstraint("amount <> 0", name="amount"),)

    transfer_id: Mapped[str] = mapped_column(String(40), ForeignKey("app.ledger_transfer.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40), primary_key=True, index=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class LedgerUncounted(Base):
    """A leg at a hot account that is not yet in its balance."""

    __tablename__ = "ledger_uncounted"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
