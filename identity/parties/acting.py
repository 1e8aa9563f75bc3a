"""Who may act for whom now: every ground is looked at again each time it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, union_all

from app.db import now, session
from identity.parties import details, people
from identity.parties.acting_models import Assistance, Mandate, Relationship
from identity.parties.ages import Stage
from identity.parties.staff import holds_role

Limits = Mapping[str, list[str]]


class CapacityKind(StrEnum):
    """As what somebody acts."""

    SELF = "self"
    GUARDIAN = "guardian"
    LEGAL_REPRESENTATIVE = "legal_representative"
    AGENT = "agent"
    MANDATE = "mandate"
    STAFF = "staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """One ground on which a person acts: for whom, by which evidence, within which limits.

    `limits` are scopes by audience; None sets no other limit than the
    client's own. `supervised` marks a ward between 14 and 18.
    """

    kind: CapacityKind
    actor: str
    party: str
    evidence: str | None = None
    limits: Limits | None = None
    until: datetime | None = None
    supervised: bool = False

    @property
    def for_organisation(self) -> bool:
        """Tell whether the represented party is an organisation."""
        return is_organisation(self.party)

    def within(self, access: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """Return what of an access lies within the limits; an audience without scopes is left out."""
        if self.limits is None:
            return dict(access)
        kept = {
            audience: [scope for scope in scopes if scope in self.limits.get(audience, ())]
            for audience, scopes in access.items()
        }
        return {audience: scopes for audience, scopes in kept.items() if scopes}


def is_organisation(party: str) -> bool:
    """Tell whether a party id is an organisation's."""
    return party.startswith("org_")


def capacities(person_id: str) -> list[Capacity]:
    """Return every ground on which an active person may act now, oneself first."""
    if people.active(person_id) is None:
        return []
    return [Capacity(kind=CapacityKind.SELF, actor=person_id, party=person_id), *_for_others(person_id)]


def others(person_id: str) -> bool:
    """Tell whether a person may act for anybody else now."""
    return bool(_for_others(person_id))


def _for_others(person_id: str) -> list[Capacity]:
    grounds = [] if not (ids := _grounds(person_id)) or not _fit_to_act(person_id) else [_row(each) for each in ids]
    return [capacity for row in grounds if (capacity := _of(row)) is not None]


def still_holds(*, actor: str, party: str, evidence: str | None) -> Capacity | None:
    """Return the capacity if this very ground still lets this actor act for this party, else None."""
    if actor == party and evidence is None:
        person = people.active(actor)
        return None if person is None else Capacity(kind=CapacityKind.SELF, actor=actor, party=actor)
    row = _row(evidence or "")
    found = _of(row) if row is not None and _fit_to_act(actor) else None
    return found if found is not None and (found.actor, found.party) == (actor, party) else None


def named_by(person_id: str, authorization_details: Iterable[Mapping[str, Any]]) -> Capacity | None:
    """Return the capacity that `{"type": "mandate", "mandate": "<evidence id>"}` names, or None when none is named.

    Raises `LookupError` for one that is not this person's or holds no longer.
    """
    named = [
        each.get("mandate") for each in authorization_details if each.get("type") == "mandate" and "mandate" in each
    ]
    if not named:
        return None
    for capacity in _for_others(person_id) if len(named) == 1 else ():
        if capacity.evidence == named[0]:
            return capacity
    raise LookupError("mandate")


def names_one(authorization_details: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether a request names a mandate to act on."""
    return any(each.get("type") == "mandate" and "mandate" in each for each in authorization_details)


def _fit_to_act(person_id: str) -> bool:
    """Tell whether a person may act for others at all: active, proven, of age."""
    person = people.active(person_id)
    return person is not None and person.proofing_level >= people.PROVEN and people.stage_of(person) is Stage.ADULT


def _grounds(person_id: str) -> list[str]:
    """Return the ids of what may be in force; for most people this one statement is all."""
    found = union_all(
        select(Relationship.id).where(Relationship.actor_id == person_id, Relationship.state == "active"),
        select(Mandate.id).where(Mandate.agent_id == person_id, Mandate.state == "active"),
        select(Assistance.id).where(Assistance.staff_id == person_id, Assistance.ended_at.is_(None)),
    )
    return sorted(session().scalars(found))


def _row(evidence: str) -> Any:
    kinds: dict[str, Any] = {"relation": Relationship, "mandate": Mandate, "assist": Assistance}
    model = kinds.get(evidence.partition("_")[0])
    return None if model is None else session().get(model, evidence, populate_existing=True)


def _of(row: Any) -> Capacity | None:
    if isinstance(row, Relationship):
        return _of_relationship(row)
    return _of_mandate(row) if isinstance(row, Mandate) else _of_assistance(row)


def _of_relationship(row: Relationship) -> Capacity | None:
    if row.state != "active" or row.actor_id is None or not _runs(row.valid_from, row.valid_until):
        return None
    if row.kind == "guardian":
        return _of_guardian(row, row.actor_id)
    if people.active_organisation(row.party_id) is None or not _appointed(row):
        return None
    return Capacity(
        kind=CapacityKind(row.kind),
        actor=row.actor_id,
        party=row.party_id,
        evidence=row.id,
        limits=row.access,
        until=row.valid_until,
    )


def _of_guardian(row: Relationship, guardian: str) -> Capacity | None:
    ward = people.active(row.party_id)
    age = people.stage_of(ward) if ward is not None else Stage.ADULT
    if age is Stage.ADULT:
        return None
    return Capacity(
        kind=CapacityKind.GUARDIAN,
        actor=guardian,
        party=row.party_id,
        evidence=row.id,
        limits=row.access,
        until=row.valid_until,
        supervised=age is Stage.MINOR,
    )


def _appointed(row: Relationship) -> bool:
    """Tell whether an agent's appointment still has a legal representative behind it."""
    if row.kind != "agent":
        return True
    by = _row(row.appointed_by or "")
    return by is not None and by.party_id == row.party_id and _fit_to_act(by.actor_id) and _of(by) is not None


def _of_mandate(row: Mandate) -> Capacity | None:
    if row.state != "active" or row.agent_id is None or not _runs(row.accepted_at, row.expires_at):
        return None
    if people.active(row.principal_id) is None:
        return None
    return Capacity(
        kind=CapacityKind.MANDATE,
        actor=row.agent_id,
        party=row.principal_id,
        evidence=row.id,
        limits=details.access(row.authorization_details),
        until=row.expires_at,
    )


def _of_assistance(row: Assistance) -> Capacity | None:
    if row.ended_at is not None or not _runs(row.began_at, row.expires_at):
        return None
    if people.active(row.person_id) is None or not holds_role(row.staff_id, row.role, row.place):
        return None
    return Capacity(
        kind=CapacityKind.STAFF, actor=row.staff_id, party=row.person_id, evidence=row.id, until=row.expires_at
    )


def _runs(begin: datetime | None, end: datetime | None) -> bool:
    present = now()
    return (begin is None or begin <= present) and (end is None or present < end)
