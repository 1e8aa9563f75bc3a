"""Whether an organisation may still have anything done in its name."""

from __future__ import annotations

from sqlalchemy import select

from app.db import session
from identity.parties.models import Organisation


def organisation_serves(organisation_id: str | None) -> bool:
    """Tell whether an organisation is active; what belongs to none is."""
    if organisation_id is None:
        return True
    return session().scalar(select(Organisation.state).where(Organisation.id == organisation_id)) == "active"
