"""Whether those a job or a client acts for may still act: asked again whenever it matters."""

from __future__ import annotations

from sqlalchemy import select

from app.db import session
from app.principal import CORE_AUDIENCE, Kind, Principal
from identity.devices.models import Device
from identity.oidc.models import AuthorizationGrant, Client
from identity.oidc.tokens import family
from identity.parties.directory import directory
from identity.parties.models import Organisation, Person


def organisation_serves(organisation_id: str | None) -> bool:
    """Tell whether an organisation is active; what belongs to none is."""
    if organisation_id is None:
        return True
    return session().scalar(select(Organisation.state).where(Organisation.id == organisation_id)) == "active"


def holds(who: Principal) -> bool:
    """Tell whether a queued job's Principal would still be let in: person, consent, client, terminal, post."""
    if who.client is not None and not _client_serves(who.client):
        return False
    if who.kind is Kind.TERMINAL:
        return _terminal_serves(who.terminal or who.actor)
    if who.kind in (Kind.CITIZEN, Kind.OFFICIAL):
        return _person_stands(who)
    return True


def _client_serves(client_id: str) -> bool:
    found = session().execute(select(Client.state, Client.organisation_id).where(Client.id == client_id)).first()
    if found is None:
        # Terminals are clients under their own id.
        return True
    return found.state == "active" and organisation_serves(found.organisation_id)


def _terminal_serves(terminal_id: str) -> bool:
    found = session().execute(select(Device.state, Device.organisation_id).where(Device.id == terminal_id)).first()
    return found is not None and found.state == "active" and organisation_serves(found.organisation_id)


def _person_stands(who: Principal) -> bool:
    person_id = _person(who)
    if person_id is None or session().scalar(select(Person.state).where(Person.id == person_id)) != "active":
        return False
    if who.kind is Kind.OFFICIAL and not _post_stands(who, person_id):
        return False
    return who.grant is None or _grant_stands(who, person_id)


def _person(who: Principal) -> str | None:
    if who.party is not None or who.audience == CORE_AUDIENCE:
        return who.party or who.actor
    return directory.party_of(who.subject or who.actor, who.audience)


def _post_stands(who: Principal, person_id: str) -> bool:
    from identity.staff.capacities import desks_of

    known = who.organisation
    organisation = known if who.audience == CORE_AUDIENCE else directory.party_of(known or "", who.audience)
    held = {(role, area) for _, role, area in desks_of(person_id, organisation or "")}
    return bool(held) and {(role, area) for _, role, area in who.desks} <= held


def _grant_stands(who: Principal, person_id: str) -> bool:
    open_ones = session().scalars(
        select(AuthorizationGrant.id).where(
            AuthorizationGrant.person_id == person_id,
            AuthorizationGrant.client_id == who.client,
            AuthorizationGrant.revoked_at.is_(None),
        )
    )
    return any(family(each, who.audience) == who.grant for each in open_ones)
