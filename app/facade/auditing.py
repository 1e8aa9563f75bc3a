"""Audit lines of plugins: the subject they name is kept as the core's party."""

from __future__ import annotations

from typing import Any

from app import audit, subjects
from app.facade.subjects import party_of
from app.principal import acting_as, principal


def record(
    action: str,
    *,
    subject: str | None = None,
    object: str | None = None,
    purpose: str | None = None,
    outcome: str = "ok",
    details: dict[str, Any] | None = None,
) -> None:
    """Leave an audit line about one of the plugin's subjects; ids and words only."""
    party = None if subject is None else party_of(subject)
    # A plugin knows its caller by pairwise ids; citizens are to read "yourself" and an organisation's name.
    with acting_as(subjects.inside(principal())):
        audit.record(action, subject=party, object=object, purpose=purpose, outcome=outcome, details=details)
