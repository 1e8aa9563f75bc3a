"""Claims about the person a token speaks for."""

from __future__ import annotations

from typing import Any

from app.errors import NotSignedIn
from app.guards import Principal
from identity.oidc.tokens import client_audience
from identity.parties.directory import directory
from identity.parties.service import own_profile


def claims(who: Principal) -> dict[str, Any]:
    """Return `sub` as the client knows it, and with scope `profile` the masked name."""
    if who.party is None or who.client is None:
        raise NotSignedIn
    found: dict[str, Any] = {"sub": directory.subject_of(who.party, client_audience(who.client))}
    if "profile" in who.scopes:
        profile = own_profile(who.party)
        found |= {"name": profile.name, "phone_number_tail": profile.mobile_tail}
    return found
