"""Audit lines of plugins: the subject they name is kept as the core's party."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app import audit, subjects
from app.facade.subjects import party_of
from app.principal import Kind, Principal, acting_as, principal


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
    # A plugin knows its caller by pairwise ids; citizens are to read "yourself" and an organisation's name.
    organisation = _known(who.organisation, who.audience) or who.organisation
    if who.kind is Kind.CITIZEN and who.party is None and who.actor == who.subject:
        return replace(who, party=_known(who.subject, who.audience), organisation=organisation)
    return replace(who, organisation=organisation)


def _known(pairwise: str | None, audience: str) -> str | None:
    return subjects.directory.only().party_of(pairwise, audience) if pairwise else None
