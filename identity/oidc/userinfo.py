"""Claims about the person a token speaks for (OpenID Connect Core, 5.3), masked as on a screen."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.db import session
from app.errors import NotSignedIn
from app.guards import Principal
from identity.oidc.models import Client
from identity.oidc.tokens import client_audience
from identity.parties.directory import directory
from identity.parties.service import own_profile

# The claims that each scope gives, beside `sub`.
CLAIMS = {"profile": ("name", "phone_number_tail"), "phone": ("phone_number_tail",)}


def claims(who: Principal) -> dict[str, Any]:
    """Return `sub` as the client's sector knows it, and what the token's scopes give."""
    if who.party is None or who.client is None:
        raise NotSignedIn
    sector = session().scalar(select(Client.sector).where(Client.id == who.client))
    found: dict[str, Any] = {"sub": directory.subject_of(who.party, client_audience(who.client, sector))}
    wanted = {claim for scope in who.scopes for claim in CLAIMS.get(scope, ())}
    if wanted:
        profile = own_profile(who.party)
        all_of_it = {"name": profile.name, "phone_number_tail": profile.mobile_tail}
        found |= {name: value for name, value in all_of_it.items() if name in wanted}
    return found
