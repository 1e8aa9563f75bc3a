"""Mandates, relationships and capacities as their two sides see them: names masked, no internal ids."""

from __future__ import annotations

from typing import Any

from app.guards import CORE_AUDIENCE
from identity.parties import mandates, names, people, relationships
from identity.parties.acting import Capacity, is_organisation
from identity.parties.acting_models import Mandate, Relationship
from identity.parties.directory import directory


def mandate(row: Mandate, viewer: str) -> dict[str, Any]:
    """Return a mandate for one of its two sides."""
    given = row.principal_id == viewer
    other = row.agent_id if given else row.principal_id
    return {
        "id": row.id,
        "role": "given" if given else "held",
        "other": names.name_of(other) if other else "",
        "purpose": row.purpose,
        "authorization_details": row.authorization_details,
        "state": mandates.state_of(row),
        "created_at": row.created_at,
        "accepted_at": row.accepted_at,
        "expires_at": row.expires_at,
        "ended_at": row.ended_at,
    }


def represented(row: Relationship) -> dict[str, Any]:
    """Return a relationship for who acts on it: the other side is the represented party."""
    return _relationship(row, row.party_id)


def representing(row: Relationship) -> dict[str, Any]:
    """Return a relationship for the represented party: the other side is who acts."""
    return _relationship(row, row.actor_id)


def capacity(found: Capacity) -> dict[str, Any]:
    """Return a ground on which the caller may act."""
    return {
        "evidence": found.evidence,
        "kind": found.kind.value,
        "name": names.name_of(found.party),
        "party": directory.subject_of(found.party, CORE_AUDIENCE),
        "supervised": found.supervised,
        "until": found.until,
    }


def _relationship(row: Relationship, other: str | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "name": names.name_of(other) if other else "",
        "role": row.role,
        "stage": _stage(row),
        "state": relationships.state_of(row),
        "valid_until": row.valid_until,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


def _stage(row: Relationship) -> str | None:
    ward = None if is_organisation(row.party_id) else people.active(row.party_id)
    return people.stage_of(ward).value if ward is not None else None
