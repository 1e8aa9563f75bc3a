"""Audit lines of plugins: the subject they name is kept as the core's party."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app import audit, subjects
from app.facade.subjects import party_of
from app.principal import Principal, acting_as, principal


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
    with acting_as(_in_the_core(principal())):
        audit.record(action, subject=party, object=object, purpose=purpose, outcome=outcome, details=details)


def _in_the_core(who: Principal) -> Principal:
    # Within a plugin's audience an organisation has a pairwise id; citizens are to read its name.
    directory = subjects.directory.only()
    organisation = directory.party_of(who.organisation, who.audience) if who.organisation else None
    return replace(who, organisation=organisation) if organisation else who
