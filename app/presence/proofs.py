"""One-use proofs: bound once to what the customer confirmed, consumed once by what acts on it.

Every step is one compare-and-set statement in the caller's transaction, so
of any number of parallel uses exactly one succeeds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NoReturn

from sqlalchemy import select, update

from app import audit
from app.db import add, now, session
from app.errors import InvalidRequest
from app.presence.errors import NotConfirmed, ProofExpired, ProofForeign, ProofUsed, QuoteStale
from app.presence.models import PresenceProof, PresenceSession

TTL = timedelta(minutes=5)
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """Who was present, how it was proven, how long it holds. `party` is the core's internal id."""

    id: str
    party: str
    method: str
    level: str
    expires_at: datetime
    bound_digest: str | None


def issue(opened: PresenceSession, *, party: str, method: str, level: str) -> PresenceProof:
    """Return a fresh proof for a matched session's terminal and purpose."""
    return add(
        PresenceProof(
            session_id=opened.id, party=party, terminal=opened.terminal, purpose=opened.purpose,
            method=method, level=level, expires_at=now() + TTL,
        )
    )  # fmt: skip


def proof_for(proof_id: str, *, terminal: str, purpose: str) -> ProofView:
    """Return a live proof without using it; raises `ProofForeign`, `ProofExpired`, `ProofUsed`."""
    found = _own(proof_id, terminal, purpose)
    if found.consumed_at is not None:
        raise ProofUsed()
    if found.expires_at <= now():
        raise ProofExpired()
    return ProofView(
        id=found.id, party=found.party, method=found.method, level=found.level,
        expires_at=found.expires_at, bound_digest=found.bound_digest,
    )  # fmt: skip


def confirm(proof_id: str, *, terminal: str, digest: str, method: Literal["tap", "pin"]) -> datetime:
    """Bind a proof to the digest of what the customer confirmed; the same digest again changes nothing.

    `method` is what the terminal says the customer did. Raises `QuoteStale`
    for another digest, `ProofForeign`, `ProofExpired`, `ProofUsed`.
    """
    if not _DIGEST.fullmatch(digest):
        raise InvalidRequest(errors={"digest": ["64 hexadecimal digits in lower case"]})
    bound = session().execute(
        update(PresenceProof)
        .where(
            PresenceProof.id == proof_id, PresenceProof.terminal == terminal,
            PresenceProof.consumed_at.is_(None), PresenceProof.expires_at > now(), PresenceProof.bound_digest.is_(None),
        )
        .values(bound_digest=digest, confirmed_by=method, confirmed_at=now())
        .returning(PresenceProof.party, PresenceProof.purpose, PresenceProof.confirmed_at)
        .execution_options(synchronize_session=False)
    ).first()  # fmt: skip
    if bound is None:
        return _already_confirmed(proof_id, terminal, digest)
    audit.record(
        "presence.confirmed", subject=bound.party, object=proof_id, purpose=bound.purpose, details={"method": method}
    )
    at: datetime = bound.confirmed_at
    return at


def consume(proof_id: str, *, terminal: str, purpose: str, digest: str) -> str:
    """Use a confirmed proof up and return its party; undone when the caller's work is undone.

    Raises `ProofForeign`, `ProofUsed`, `ProofExpired`, `NotConfirmed`, `QuoteStale`.
    """
    party = session().scalar(
        update(PresenceProof)
        .where(
            PresenceProof.id == proof_id, PresenceProof.terminal == terminal, PresenceProof.purpose == purpose,
            PresenceProof.bound_digest == digest, PresenceProof.consumed_at.is_(None), PresenceProof.expires_at > now(),
        )
        .values(consumed_at=now())
        .returning(PresenceProof.party)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if party is None:
        _explain(_own(proof_id, terminal, purpose))
    audit.record("presence.consumed", subject=party, object=proof_id, purpose=purpose)
    return party


def _own(proof_id: str, terminal: str, purpose: str | None) -> PresenceProof:
    found = (
        session()
        .scalars(
            select(PresenceProof)
            .where(PresenceProof.id == proof_id, PresenceProof.terminal == terminal)
            .execution_options(populate_existing=True)
        )
        .first()
    )
    if found is None or purpose not in (None, found.purpose):
        raise ProofForeign()
    return found


def _already_confirmed(proof_id: str, terminal: str, digest: str) -> datetime:
    found = _own(proof_id, terminal, None)
    if found.confirmed_at is None or found.consumed_at is not None or found.expires_at <= now():
        _explain(found)
    if found.bound_digest != digest:
        raise QuoteStale()
    return found.confirmed_at


def _explain(found: PresenceProof) -> NoReturn:
    if found.consumed_at is not None:
        raise ProofUsed()
    if found.expires_at <= now():
        raise ProofExpired()
    if found.bound_digest is None:
        raise NotConfirmed()
    raise QuoteStale()
