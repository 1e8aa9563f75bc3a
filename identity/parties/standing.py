"""Identity's answer to the worker: may this Principal still act?"""

from __future__ import annotations

from sqlalchemy import select

from app.db import session
from app.guards import Kind, Principal
from app.subjects import inside
from identity.devices.models import Device
from identity.parties import acting, people
from identity.parties.models import Organisation


def holds(who: Principal) -> bool:
    """Tell whether this Principal may act now: parties active, terminals not suspended, evidence in force."""
    known = inside(who)
    if known.kind is Kind.TERMINAL:
        return _terminal_works(known.terminal or known.actor)
    if known.kind not in (Kind.CITIZEN, Kind.ORGANISATION):
        return True
    if known.acting_for is None:
        return people.active(known.actor) is not None
    found = acting.still_holds(actor=known.actor, party=known.acting_for, evidence=known.evidence)
    return found is not None


def _terminal_works(terminal: str) -> bool:
    found = session().scalar(
        select(Device.id)
        .join(Organisation, Organisation.id == Device.organisation_id)
        .where(Device.id == terminal, Device.state == "active", Organisation.state == "active")
    )
    return found is not None
