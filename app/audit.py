"""The audit trail: one leaf per event in the business transaction, sealed per second.

A leaf keeps the exact bytes that were hashed. The sealer (`app.sealing`)
builds a Merkle tree (RFC 6962 hashing) over each second's leaves and chains
the signed heads. Leaves hold ids only, so erasing a person breaks no hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson
import psycopg
from sqlalchemy import BigInteger, Identity, Index, Integer, LargeBinary, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db import Base, now, session, work
from app.ids import new_id
from app.principal import principal


class AuditLeaf(Base):
    """One event: who did what to whose data, on what ground."""

    __tablename__ = "audit_leaf"
    __table_args__ = (
        Index("ix_audit_leaf_subject", "subject", "at"),
        Index("ix_audit_leaf_unsealed", "xid", "id", postgresql_where=text("head_id IS NULL")),
        Index("ix_audit_leaf_head", "head_id", "position"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    # Identity order has gaps and overtakes; the transaction id tells which leaves can still appear.
    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint"))
    head_id: Mapped[int | None] = mapped_column(BigInteger)
    position: Mapped[int | None] = mapped_column(Integer)


class AuditHead(Base):
    """The signed root of one sealed batch, chained to the one before."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    size: Mapped[int] = mapped_column(Integer)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]
    key_id: Mapped[str] = mapped_column(String(64))
    statement: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of "who looked at my data"."""

    id: str
    at: datetime
    action: str
    actor: str
    kind: str
    organisation: str | None
    purpose: str | None
    outcome: str


def record(
    action: str,
    *,
    subject: str | None = None,
    object: str | None = None,
    purpose: str | None = None,
    outcome: str = "ok",
    details: dict[str, Any] | None = None,
) -> None:
    """Leave an audit line in this unit of work.

    `subject` is the party the data is about; all values are ids or words,
    never a name, a number or free text of a person.
    """
    who = principal()
    leaf_id, at = new_id("audit"), now()
    body = orjson.dumps(
        {
            "id": leaf_id, "at": at.isoformat(), "action": action,
            "actor": who.actor if who.acting_for else who.party or who.actor,
            "kind": who.kind.value, "acting_for": who.acting_for, "organisation": who.organisation,
            "place": who.place, "client": who.client, "subject": subject, "object": object,
            "purpose": purpose or who.purpose, "outcome": outcome, "details": details or {},
        },
        option=orjson.OPT_SORT_KEYS,
    )  # fmt: skip
    work().gather(_write, (leaf_id, subject, at, body))


_ONE = "INSERT INTO app.audit_leaf (id, subject, at, body) VALUES (%s, %s, %s, %s)"
_MANY = text(
    "INSERT INTO app.audit_leaf (id, subject, at, body)"
    " SELECT * FROM unnest(cast(:ids AS text[]), cast(:subjects AS text[]),"
    " cast(:ats AS timestamptz[]), cast(:bodies AS bytea[]))"
)


def _write(session: Session, rows: Sequence[tuple[str, str | None, datetime, bytes]]) -> None:
    if len(rows) == 1:
        # Nearly every write leaves one line; the driver alone writes it at a third of the cost.
        driver = cast(psycopg.Connection, session.connection().connection.driver_connection)
        driver.execute(_ONE, rows[0], prepare=True)
        return
    ids, subjects, ats, bodies = (list(column) for column in zip(*rows, strict=True))
    session.execute(_MANY, {"ids": ids, "subjects": subjects, "ats": ats, "bodies": bodies})


def about(subject: str, *, limit: int = 50) -> list[Entry]:
    """Return the newest lines about a party, newest first."""
    leaves = session().scalars(
        select(AuditLeaf).where(AuditLeaf.subject == subject).order_by(AuditLeaf.at.desc()).limit(limit)
    )
    return [_entry(leaf) for leaf in leaves]


def _entry(leaf: AuditLeaf) -> Entry:
    said = orjson.loads(leaf.body)
    return Entry(
        id=leaf.id,
        at=leaf.at,
        action=said["action"],
        actor=said["actor"],
        kind=said["kind"],
        organisation=said["organisation"],
        purpose=said["purpose"],
        outcome=said["outcome"],
    )


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of a leaf (RFC 6962, 2.1: prefix 0x00)."""
    return hashlib.sha256(b"\x00" + body).digest()


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; a lone node is promoted, never doubled."""
    if not hashes:
        raise ValueError("a tree needs a leaf")
    level = list(hashes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        promoted = [level[-1]] if len(level) % 2 else []
        level = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs] + promoted
    return level[0]
