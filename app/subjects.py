"""Pairwise subject ids: outside the core nobody learns the internal id of a party."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from app.ports import Port
from app.principal import CORE_AUDIENCE, Kind, Principal


class Directory(Protocol):
    """Translates between internal party ids and the subject ids of one audience."""

    def subject_of(self, party: str, audience: str) -> str:
        """Return the id by which this audience knows a party; the same one for ever."""

    def party_of(self, subject: str, audience: str) -> str | None:
        """Return the party behind a subject id of this audience, or None."""


class DemoPeople(Protocol):
    """Finds the invented citizens of the demo world for the plugins' own seeds."""

    def parties(self) -> Mapping[str, str]:
        """Return citizen key to party id; empty outside the demo."""


directory: Port[Directory] = Port("subjects.directory")
demo_people: Port[DemoPeople] = Port("subjects.demo_people")


def inside(who: Principal) -> Principal:
    """Return a caller by the core's internal ids: the parties that its audience's pairwise ids stand for."""
    if who.audience == CORE_AUDIENCE:
        return who
    organisation = _party(who, who.organisation) or who.organisation
    if who.kind not in _PARTIES or who.party is not None:
        return replace(who, organisation=organisation)
    return replace(
        who,
        organisation=organisation,
        party=_party(who, who.subject),
        actor=_party(who, who.actor) or who.actor,
        acting_for=_party(who, who.acting_for) or who.acting_for,
        evidence=_party(who, who.evidence) or who.evidence,
    )


def in_audience(who: Principal, audience: str) -> Principal:
    """Return a Principal by the ids of another audience: those of the first never reach it."""
    if who.audience == audience or who.kind not in _PARTIES or not directory.all():
        return replace(who, audience=audience)
    known = inside(who)
    subject = None if known.party is None else directory.only().subject_of(known.party, audience)
    if audience == CORE_AUDIENCE:
        return replace(known, audience=audience, subject=subject)
    return replace(
        known,
        audience=audience,
        subject=subject,
        party=None,
        actor=directory.only().subject_of(known.actor, audience),
        acting_for=_subject(known.acting_for, audience),
        organisation=_subject(known.organisation, audience),
        evidence=_subject(known.evidence, audience),
    )


_PARTIES = (Kind.CITIZEN, Kind.ORGANISATION, Kind.OFFICIAL)


def _party(who: Principal, pairwise: str | None) -> str | None:
    return directory.only().party_of(pairwise, who.audience) if pairwise else None


def _subject(party: str | None, audience: str) -> str | None:
    return directory.only().subject_of(party, audience) if party else None
