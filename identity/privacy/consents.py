"""Which apps a person let in: for what, since when, last used when; taken back at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import audit
from app.db import now, session
from app.errors import NotFound
from identity.oidc.models import AuthorizationGrant, Client
from identity.oidc.revocation import revoke_grant
from identity.parties.models import Organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One time that a person let an app in."""

    at: datetime
    ended_at: datetime | None
    purpose: str | None
    acting_for: bool
    as_staff: bool
    access: dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One app with all that it was ever allowed by this person, newest first."""

    client: str
    title_zh: str
    title_en: str
    organisation: str | None
    active: bool
    access: dict[str, list[str]]
    purposes: tuple[str, ...]
    since: datetime
    last_used_at: datetime
    history: tuple[Given, ...]


def of(person_id: str) -> list[Consent]:
    """Return a person's consents, the open ones first."""
    rows = session().execute(
        select(AuthorizationGrant, Client, Organisation.name)
        .join(Client, Client.id == AuthorizationGrant.client_id)
        .outerjoin(Organisation, Organisation.id == Client.organisation_id)
        .where(AuthorizationGrant.person_id == person_id)
        .order_by(AuthorizationGrant.created_at.desc(), AuthorizationGrant.id.desc())
    )
    by_client: dict[str, tuple[Client, str | None, list[AuthorizationGrant]]] = {}
    for grant, client, organisation in rows:
        by_client.setdefault(client.id, (client, organisation, []))[2].append(grant)
    found = [_consent(*each) for each in by_client.values()]
    return sorted(found, key=lambda each: (not each.active, each.title_zh, each.client))


def withdraw(person_id: str, client_id: str) -> None:
    """End all that a person allowed an app, its tokens and queued jobs included; raises `NotFound`."""
    open_ones = session().scalars(
        select(AuthorizationGrant).where(
            AuthorizationGrant.person_id == person_id,
            AuthorizationGrant.client_id == client_id,
            AuthorizationGrant.revoked_at.is_(None),
        )
    )
    grants = open_ones.all()
    if not grants:
        raise NotFound
    for grant in grants:
        revoke_grant(grant)
    audit.record("identity.consent-withdrawn", subject=person_id, object=client_id, details={"grants": len(grants)})


def _consent(client: Client, organisation: str | None, grants: Sequence[AuthorizationGrant]) -> Consent:
    live = [grant for grant in grants if _live(grant)]
    return Consent(
        client=client.id,
        title_zh=client.title_zh,
        title_en=client.title_en,
        organisation=organisation,
        active=bool(live) and client.state == "active",
        access=_together(live),
        purposes=tuple(dict.fromkeys(grant.purpose for grant in live if grant.purpose)),
        since=min(grant.created_at for grant in live or grants),
        last_used_at=max(grant.refreshed_at or grant.created_at for grant in grants),
        history=tuple(_given(grant) for grant in grants[:50]),
    )


def _live(grant: AuthorizationGrant) -> bool:
    return grant.revoked_at is None and (grant.expires_at is None or grant.expires_at > now())


def _together(grants: Sequence[AuthorizationGrant]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for grant in grants:
        for audience, scopes in grant.access.items():
            held = found.setdefault(audience, [])
            held += [scope for scope in scopes if scope not in held]
    return found


def _given(grant: AuthorizationGrant) -> Given:
    return Given(
        at=grant.created_at,
        ended_at=grant.revoked_at or grant.expires_at,
        purpose=grant.purpose,
        acting_for=grant.acting_for is not None,
        as_staff=grant.staff_of is not None,
        access=grant.access,
    )
