"""Identity's answer to the worker: may this Principal still act?"""

from __future__ import annotations

from sqlalchemy import select

from app.db import session
from app.guards import Kind, Principal
from app.subjects import inside
from identity.devices.models import Device
from identity.oidc.models import AuthorizationGrant, Client
from identity.oidc.tokens import family
from identity.parties import acting, people
from identity.parties.serving import organisation_serves
from identity.staff.capacities import desks_of


def holds(who: Principal) -> bool:
    """Tell whether who acts would still be let in: person, ground, consent, client, terminal, post."""
    known = inside(who)
    if known.client is not None and not _client_serves(known.client):
        return False
    if known.kind is Kind.TERMINAL:
        return _terminal_serves(known.terminal or known.actor)
    if known.kind not in (Kind.CITIZEN, Kind.ORGANISATION, Kind.OFFICIAL):
        return True
    return _may_act(known) and (known.kind is not Kind.OFFICIAL or _post_stands(known)) and _grant_stands(known)


def _may_act(known: Principal) -> bool:
    if known.acting_for is None:
        return people.active(known.actor) is not None
    if known.evidence is None:
        # A plugin's program acts by an exchanged token: the person is whose consent it rests on.
        return people.active(known.acting_for) is not None
    return acting.still_holds(actor=known.actor, party=known.acting_for, evidence=known.evidence) is not None


def _client_serves(client_id: str) -> bool:
    found = session().execute(select(Client.state, Client.organisation_id).where(Client.id == client_id)).first()
    if found is None:
        # Terminals are clients under their own id.
        return True
    return found.state == "active" and organisation_serves(found.organisation_id)


def _terminal_serves(terminal_id: str) -> bool:
    found = session().execute(select(Device.state, Device.organisation_id).where(Device.id == terminal_id)).first()
    return found is not None and found.state == "active" and organisation_serves(found.organisation_id)


def _post_stands(known: Principal) -> bool:
    held = {(role, area) for _, role, area in desks_of(known.actor, known.organisation or "")}
    return bool(held) and {(role, area) for _, role, area in known.desks} <= held


def _grant_stands(known: Principal) -> bool:
    if known.grant is None:
        return True
    open_ones = session().scalars(
        select(AuthorizationGrant.id).where(
            AuthorizationGrant.person_id.in_([each for each in (known.actor, known.acting_for) if each]),
            AuthorizationGrant.revoked_at.is_(None),
        )
    )
    return any(family(each, known.audience) == known.grant for each in open_ones)
