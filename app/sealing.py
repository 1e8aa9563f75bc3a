"""The audit sealer: signs one Merkle root per second over leaves that can no longer grow."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Row, func, select, text

from app.audit import AuditHead, AuditLeaf, leaf_hash, merkle_root
from app.crypto import derive
from app.db import add, now, session

BATCH = 20_000
GENESIS = b"\x00" * 32


def seal_due() -> int:
    """Seal all leaves whose transactions are over; returns how many.

    Only leaves older than every running transaction are taken, so no leaf can
    appear later inside a sealed second. One sealer at a time: the caller
    holds the relay's advisory lock.
    """
    leaves = (
        session()
        .execute(
            select(AuditLeaf.id, AuditLeaf.at, AuditLeaf.body)
            .where(AuditLeaf.head_id.is_(None))
            .where(text("xid < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint"))
            .order_by(AuditLeaf.at, AuditLeaf.id)
            .limit(BATCH)
        )
        .all()
    )
    for _, second in groupby(leaves, key=lambda leaf: leaf.at.replace(microsecond=0)):
        _seal(list(second))
    return len(leaves)


def _seal(leaves: list[Row[str, datetime, bytes]]) -> None:
    root = merkle_root([leaf_hash(leaf.body) for leaf in leaves])
    head = add(_signed_head(size=len(leaves), root=root, previous=_last_hash()))
    session().execute(
        _PLACE, {"head": head.id, "leaves": [leaf.id for leaf in leaves], "places": list(range(len(leaves)))}
    )


# One statement for a whole second, not one for each leaf.
_PLACE = text(
    "UPDATE app.audit_leaf SET head_id = :head, position = given.place"
    " FROM unnest(cast(:leaves AS text[]), cast(:places AS int[])) AS given (leaf, place)"
    " WHERE audit_leaf.id = given.leaf"
)


def oldest_unsealed_seconds() -> float:
    """Return for how long the oldest leaf has waited to be sealed; 0 when none waits."""
    oldest = session().scalar(select(func.min(AuditLeaf.at)).where(AuditLeaf.head_id.is_(None)))
    return 0.0 if oldest is None else max(0.0, (now() - oldest).total_seconds())


def _last_hash() -> bytes:
    last = session().scalars(select(AuditHead).order_by(AuditHead.id.desc()).limit(1)).first()
    return GENESIS if last is None else leaf_hash(last.statement)


def _signed_head(*, size: int, root: bytes, previous: bytes) -> AuditHead:
    key, at = signing_key(), now()
    key_id = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    statement = orjson.dumps(
        {"size": size, "root": root.hex(), "previous": previous.hex(), "sealed_at": at.isoformat(), "key_id": key_id},
        option=orjson.OPT_SORT_KEYS,
    )
    return AuditHead(
        size=size, root=root, previous=previous, sealed_at=at, key_id=key_id,
        statement=statement, signature=key.sign(statement),
    )  # fmt: skip


def signing_key() -> Ed25519PrivateKey:
    """Return the key that signs heads (Ed25519, RFC 8032)."""
    return Ed25519PrivateKey.from_private_bytes(derive("audit/heads"))
