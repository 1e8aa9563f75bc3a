"""How the administration names persons and organisations: a pairwise id of its own, the public credit code."""

from __future__ import annotations

from sqlalchemy import select

from app.db import session
from app.errors import NotFound
from identity.parties.directory import directory
from identity.parties.models import Organisation

AUDIENCE = "identity-admin"


def handle_of(person_id: str) -> str:
    """Return the id by which administrators know a person; the internal one never leaves."""
    return directory.subject_of(person_id, AUDIENCE)


def person_of(handle: str) -> str:
    """Return the person behind a handle; raises `NotFound`."""
    party = directory.party_of(handle, AUDIENCE)
    if party is None:
        raise NotFound
    return party


def organisation_by(credit_code: str) -> Organisation:
    """Return an organisation by its credit code; raises `NotFound`."""
    found = session().scalars(select(Organisation).where(Organisation.credit_code == credit_code)).first()
    if found is None:
        raise NotFound
    return found


def credit_code_of(organisation_id: str | None) -> str | None:
    """Return an organisation's credit code; None for none."""
    return session().scalar(select(Organisation.credit_code).where(Organisation.id == organisation_id))
