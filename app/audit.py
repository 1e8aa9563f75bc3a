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
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Select,
    String,
    func,
    select,
    text,
)  # fmt: skip
from sqlalchemy import cast as cast_column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.closing import quoted
from app.db import Base, now, session, work
from app.ids import new_id
from app.principal import principal


class AuditLeaf(Base):
    """One event: who did what to whose data, on what ground."""

    __tablename__ = "audit_leaf"
    __table_args__ = (
        PrimaryKeyConstraint("xid", "id"),
        Index("ix_audit_leaf_subject", "subject", "at"),
    )

    id: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    # Identity order has gaps and overtakes; the transaction id tells which leaves can still appear.
    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint"))


class AuditHead(Base):
    """The signed root over all leaves of a range of transactions, chained to the one before.

    The range (`from_xid` to before `until_xid`) says which leaves it seals, in
    the order of (xid, id); a leaf itself is written once and never again.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    from_xid: Mapped[int] = mapped_column(BigInteger)
    until_xid: Mapped[int] = mapped_column(BigInteger, unique=True)
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
    acting_for: str | None = None
    capacity: str | None = None


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
    never a name, a number or free text of a person. The line names who acts
    (`actor`), for whom (`acting_for`), as what and on what ground (`evidence`).
    """
    who = principal()
    leaf_id, at = new_id("audit"), now().isoformat()
    body = orjson.dumps(
        {
            "id": leaf_id, "at": at, "action": action, "actor": who.actor,
            "kind": who.kind.value, "acting_for": who.acting_for, "capacity": who.capacity,
            "evidence": who.evidence, "organisation": who.organisation, "place": who.place,
            "client": who.client, "subject": subject, "object": object, "purpose": purpose or who.purpose,
            "outcome": outcome, "details": details or {},
        },
        option=orjson.OPT_SORT_KEYS,
    )  # fmt: skip
    work().gather(_write, (leaf_id, subject, at, body))


def _write(rows: Sequence[tuple[str, str | None, str, bytes]]) -> str:
    # Ids and times are of our making, a subject and a body are not.
    lines = [f"('{leaf}',{quoted(subject)},'{at}',{quoted(body)})" for leaf, subject, at, body in rows]
    return "INSERT INTO app.audit_leaf (id, subject, at, body) VALUES " + ",".join(lines)  # noqa: S608


def about(subject: str, *, limit: int = 50) -> list[Entry]:
    """Return the newest lines about a party, newest first."""
    leaves = session().scalars(
        select(AuditLeaf).where(AuditLeaf.subject == subject).order_by(AuditLeaf.at.desc()).limit(limit)
    )
    return [entry(leaf) for leaf in leaves]


def sealed_by(head: AuditHead) -> list[AuditLeaf]:
    """Return the leaves under a head in the order of its tree."""
    wanted = select(AuditLeaf).where(AuditLeaf.xid >= head.from_xid, AuditLeaf.xid < head.until_xid)
    return list(session().scalars(wanted.order_by(AuditLeaf.xid, AuditLeaf.id)))


def lines_about(
    subject: str,
    *,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    by_others_than: str | None = None,
) -> Select[AuditLeaf]:
    """Return the query of a party's lines, to be paged by (at, id); narrowed by action, time and who acted."""
    query = select(AuditLeaf).where(AuditLeaf.subject == subject)
    said = cast_column(func.convert_from(AuditLeaf.body, "UTF8"), JSONB)
    if action is not None:
        query = query.where(said["action"].astext == action)
    if by_others_than is not None:
        query = query.where(said["actor"].astext != by_others_than)
    if since is not None:
        query = query.where(AuditLeaf.at >= since)
    if until is not None:
        query = query.where(AuditLeaf.at < until)
    return query


def entry(leaf: AuditLeaf) -> Entry:
    """Return what a leaf says."""
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
        acting_for=said["acting_for"],
        capacity=said.get("capacity"),
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
