"""The audit sealer: signs one Merkle root a second over the transactions that are over.

A head names a range of transaction ids. All of them ended before it was made,
so no leaf can appear in a sealed range later, and none is sealed twice.
"""

from __future__ import annotations

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, Row, func, select, text

from app.audit import AuditHead, AuditLeaf, leaf_hash, merkle_root
from app.crypto import derive
from app.db import add, now, session

BATCH = 20_000
GENESIS = b"\x00" * 32
Leaf = Row[int, str, bytes]
_SETTLED = text("SELECT (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint + app.audit_offset()")


class OrderLost(RuntimeError):
    """The server counts transactions from a lower number than what is sealed: it was restored from a dump."""


def seal_due() -> int:
    """Seal all leaves whose transactions are over, BATCH at most; returns how many.

    One sealer at a time: the caller holds the relay's advisory lock. Raises
    `OrderLost` on a restored server where `continue_after_restore` did not run.
    """
    last = session().scalars(select(AuditHead).order_by(AuditHead.id.desc()).limit(1)).first()
    begin, until = last.until_xid if last else 0, session().scalars(_SETTLED).one()
    if until < begin:
        raise OrderLost("run `suxin migrate`")
    leaves = _leaves(begin, until, limit=BATCH)
    if not leaves:
        return 0
    if len(leaves) == BATCH:
        leaves, until = _whole_transactions(leaves)
    previous = GENESIS if last is None else leaf_hash(last.statement)
    add(_signed_head(leaves, between=(begin, until), previous=previous))
    return len(leaves)


def _leaves(begin: int, until: int, *, limit: int | None = None) -> list[Leaf]:
    wanted = select(AuditLeaf.xid, AuditLeaf.id, AuditLeaf.body).where(AuditLeaf.xid >= begin, AuditLeaf.xid < until)
    return list(session().execute(wanted.order_by(AuditLeaf.xid, AuditLeaf.id).limit(limit)).all())


def _whole_transactions(leaves: list[Leaf]) -> tuple[list[Leaf], int]:
    """Return the batch without its last transaction, which may be cut; that one whole where it is the only one."""
    last = leaves[-1].xid
    whole = [leaf for leaf in leaves if leaf.xid != last]
    return (whole, last) if whole else (_leaves(last, last + 1), last + 1)


def oldest_unsealed_seconds() -> float:
    """Return for how long the oldest leaf has waited to be sealed; 0 when none waits."""
    sealed = select(func.coalesce(func.max(AuditHead.until_xid), 0)).scalar_subquery()
    oldest = session().scalar(select(func.min(AuditLeaf.at)).where(AuditLeaf.xid >= sealed))
    return 0.0 if oldest is None else max(0.0, (now() - oldest).total_seconds())


def continue_after_restore(connection: Connection) -> int:
    """Lift the order of new leaves above all that a restored dump holds; returns by how much.

    A restored server counts its transactions anew. Run it before anything
    writes there; on any other server it changes nothing.
    """
    # In this order: on a server that was never restored, our own number is above all that we can see.
    used = connection.scalar(text(_USED)) or 0
    current = connection.scalar(text("SELECT (pg_current_xact_id()::text)::bigint + app.audit_offset()")) or 0
    if current > used:
        return 0
    lifted = used + 1 - current
    offset = (connection.scalar(text("SELECT app.audit_offset()")) or 0) + lifted
    connection.execute(text(_OFFSET.format(offset=offset)))
    connection.execute(text(_DEFAULT.format(offset=offset)))
    return lifted


_USED = (
    "SELECT greatest((SELECT max(xid) FROM app.audit_leaf), (SELECT max(until_xid) FROM app.audit_head),"
    " app.audit_offset())"
)
_OFFSET = (
    "CREATE OR REPLACE FUNCTION app.audit_offset() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT {offset}::bigint'"
)
# A number in the default itself costs an insert nothing; a call would.
_DEFAULT = "ALTER TABLE app.audit_leaf ALTER COLUMN xid SET DEFAULT (pg_current_xact_id()::text)::bigint + {offset}"


def _signed_head(leaves: list[Leaf], *, between: tuple[int, int], previous: bytes) -> AuditHead:
    key, at = signing_key(), now()
    key_id = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    root, size, (begin, until) = merkle_root([leaf_hash(leaf.body) for leaf in leaves]), len(leaves), between
    statement = orjson.dumps(
        {
            "from": begin, "until": until, "size": size, "root": root.hex(), "previous": previous.hex(),
            "sealed_at": at.isoformat(), "key_id": key_id,
        },
        option=orjson.OPT_SORT_KEYS,
    )  # fmt: skip
    return AuditHead(
        from_xid=begin, until_xid=until, size=size, root=root, previous=previous, sealed_at=at, key_id=key_id,
        statement=statement, signature=key.sign(statement),
    )  # fmt: skip


def signing_key() -> Ed25519PrivateKey:
    """Return the key that signs heads (Ed25519, RFC 8032)."""
    return Ed25519PrivateKey.from_private_bytes(derive("audit/heads"))
