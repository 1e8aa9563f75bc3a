"""Presence for plugins: proofs speak of subjects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.facade.subjects import subject_of
from app.presence import proofs


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Who is here now, how that was shown, how long it holds."""

    id: str
    subject: str
    method: str
    level: str
    expires_at: datetime


def proof_for(proof: str, *, terminal: str, purpose: str) -> Proof:
    """Return a live proof without using it.

    Raises the problems of `app.presence.errors`: foreign, expired, used.
    """
    found = proofs.proof_for(proof, terminal=terminal, purpose=purpose)
    return Proof(
        id=found.id,
        subject=subject_of(found.party),
        method=found.method,
        level=found.level,
        expires_at=found.expires_at,
    )


def consume(proof: str, *, terminal: str, purpose: str, digest: str) -> str:
    """Use up a proof that the customer bound to this digest and return the subject; once for ever."""
    return subject_of(proofs.consume(proof, terminal=terminal, purpose=purpose, digest=digest))
