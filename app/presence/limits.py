"""Limits on guessing, per terminal and per claim at a terminal: counted before the work, refunded on a match.

Never by the claim alone: whoever knows a number could lock its owner out.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import case, select, update
from sqlalchemy.dialects.postgresql import insert

from app.crypto import blind_index
from app.db import now, session
from app.presence.errors import TooManyGuesses
from app.presence.models import PresenceGuess

WINDOW = timedelta(minutes=10)
PER_CLAIM = 10
# A PIN has few digits; a card at one terminal gets fewer tries than a face, whose bar no trying lowers.
PER_CARD = 5
PER_TERMINAL = 60


def targets(*, terminal: str, claim: str, method: str = "") -> list[tuple[bytes, int]]:
    """Return what a judgement counts against, with each limit; claims are kept as keyed hashes."""
    counted = [(_target(f"terminal/{terminal}"), PER_TERMINAL)]
    if not claim:
        return counted
    return [*counted, (_target(f"claim/{terminal}/{claim}"), PER_CARD if method == "card" else PER_CLAIM)]


def reserve(counted: list[tuple[bytes, int]]) -> None:
    """Count one attempt in this transaction; raises `TooManyGuesses`.

    The counters stay locked until the decision is durable, so parallel
    guesses at one claim follow one another. All take the rows in one order.
    """
    exceeded = [_count(target) > limit for target, limit in sorted(counted)]
    if any(exceeded):
        raise TooManyGuesses(headers={"Retry-After": str(int(WINDOW.total_seconds()))})


def refund(counted: list[tuple[bytes, int]]) -> None:
    """Take back an attempt that was no guess."""
    session().execute(
        update(PresenceGuess)
        .where(PresenceGuess.target.in_([target for target, _ in counted]), PresenceGuess.guesses > 0)
        .values(guesses=PresenceGuess.guesses - 1)
        .execution_options(synchronize_session=False)
    )


def spent(*, terminal: str, claim: str) -> list[int]:
    """Return how many attempts each target has counted."""
    keys = [target for target, _ in targets(terminal=terminal, claim=claim)]
    return list(session().scalars(select(PresenceGuess.guesses).where(PresenceGuess.target.in_(keys))))


def _target(text: str) -> bytes:
    return blind_index(text, purpose="presence/guess")


def _count(target: bytes) -> int:
    fresh = PresenceGuess.window_started_at < now() - WINDOW
    statement = (
        insert(PresenceGuess)
        .values(target=target, guesses=1, window_started_at=now())
        .on_conflict_do_update(
            index_elements=[PresenceGuess.target],
            set_={
                "guesses": case((fresh, 1), else_=PresenceGuess.guesses + 1),
                "window_started_at": case((fresh, now()), else_=PresenceGuess.window_started_at),
            },
        )
        .returning(PresenceGuess.guesses)
    )
    return int(session().scalars(statement).one())
