"""Who looked at my data: the citizen's audit lines, worded and put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from flask_babel import gettext  # type: ignore[import-untyped]

from app import audit
from app.errors import language
from app.pages import actions, ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One use of a citizen's data, or several alike in a row."""

    at: datetime
    action: str
    who: str
    purpose: str
    outcome: str
    good: bool
    own: bool
    times: int = 1


def of(party: str, *, limit: int) -> tuple[list[Look], list[Look]]:
    """Return the newest uses of a party's data by others, and by the party itself.

    Alike ones in a row become one with a count.
    """
    entries = audit.about(party, limit=limit)
    naming = ports.organisations.get("identity")
    names = naming({entry.organisation for entry in entries if entry.organisation}) if naming else {}
    looks = [_look(entry, party, names) for entry in entries]
    return _together([look for look in looks if not look.own]), _together([look for look in looks if look.own])


def _together(looks: list[Look]) -> list[Look]:
    runs = [list(run) for _, run in groupby(looks, key=_alike)]
    return [replace(run[0], times=len(run)) for run in runs]


def _alike(look: Look) -> tuple[str, ...]:
    return look.action, look.who, look.purpose, look.outcome


def _look(entry: audit.Entry, party: str, names: dict[str, str]) -> Look:
    tongue = language()
    purpose = actions.purpose(entry.purpose)
    return Look(
        at=entry.at,
        action=actions.action(entry.action).to(tongue),
        who=_who(entry, party, names),
        purpose=purpose.to(tongue) if purpose else "",
        outcome=actions.outcome(entry.outcome).to(tongue),
        own=entry.actor == party,
        good=entry.outcome in ("ok", "matched"),
    )


def _who(entry: audit.Entry, party: str, names: dict[str, str]) -> str:
    if entry.actor == party:
        return str(gettext("本人"))
    if entry.capacity is not None:
        return actions.capacity(entry.capacity).to(language())
    return names.get(entry.organisation or "") or actions.kind(entry.kind).to(language())
