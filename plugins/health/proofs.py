"""Proofs of presence as this plugin uses them: looked at for a quote, used up by a settlement."""

from __future__ import annotations

from app.api import Principal, presence

PURPOSE = "health:purchase"


def subject_of(proof: str, *, who: Principal) -> str:
    """Return the subject a live proof of this terminal is about, without using it."""
    return str(presence.proof_for(proof, terminal=who.terminal or who.actor, purpose=PURPOSE).subject)


def use_up(proof: str, *, who: Principal, digest: str) -> str:
    """Use a proof the customer bound to this digest and return its subject; once for ever."""
    return str(presence.consume(proof, terminal=who.terminal or who.actor, purpose=PURPOSE, digest=digest))
