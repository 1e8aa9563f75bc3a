"""Grants that a capability or plugin registered with the core, served with the authenticated client."""

from __future__ import annotations

from typing import Any

from flask import request

from app.db import session
from app.guards import CORE_AUDIENCE, Kind, Principal
from app.token_grants import GrantCaller, Granted, GrantRefused, TokenGrant, token_grants
from identity.oidc import clients, tokens
from identity.oidc.access import Wanted
from identity.oidc.clients import Caller
from identity.oidc.errors import OAuthError
from identity.oidc.grants.issued import record
from identity.parties.directory import directory
from identity.parties.models import Person

ANYBODY = "anonymous"
_CREDENTIALS = ("client_id", "client_assertion", "client_secret")


def registered(grant_type: str) -> TokenGrant | None:
    """Return the grant that a capability registered under this name, or None."""
    return token_grants.get(grant_type)


def names() -> list[str]:
    """List the registered grant types."""
    return sorted(token_grants.all())


def nameless(grant: TokenGrant, params: dict[str, str]) -> bool:
    """Tell whether a request without any client is one that this grant takes."""
    return grant.anonymous and "Authorization" not in request.headers and not any(n in params for n in _CREDENTIALS)


def capability(grant: TokenGrant, caller: Caller | None, params: dict[str, str]) -> dict[str, Any]:
    """Let the capability say what to issue, then issue it."""
    jkt = clients.proven_key() if caller is None else caller.jkt
    asking = GrantCaller(
        client=None if caller is None else caller.id,
        confidential=caller is not None and caller.confidential,
        jkt=jkt,
    )
    try:
        granted = grant(asking, params)
    except GrantRefused as refusal:
        raise OAuthError(refusal.error, refusal.description) from None
    return _issued(grant, granted, asking)


def _issued(grant: TokenGrant, granted: Granted, asking: GrantCaller) -> dict[str, Any]:
    person, client = _person(grant, granted), asking.client or ANYBODY
    wanted = Wanted(_audience(grant, granted), granted.scopes)
    token = tokens.access_token(
        wanted,
        jkt=asking.jkt,
        kind="citizen",
        sub=directory.subject_of(person.id, wanted.audience),
        client_id=client,
        acr=tokens.acr(person.proofing_level, 0),
    )
    who = Principal(kind=Kind.CITIZEN, actor=person.id)
    record(who, subject=person.id, object=client, audience=wanted.audience)
    return tokens.answer(token, granted.scopes, jkt=asking.jkt, **granted.more)


def _person(grant: TokenGrant, granted: Granted) -> Person:
    party: str | None = granted.subject
    if grant.owner != CORE_AUDIENCE:
        party = directory.party_of(granted.subject, grant.owner)
    person = session().get(Person, party) if party is not None else None
    if person is None or person.state != "active":
        raise OAuthError("invalid_grant", "whom it speaks for is not active")
    return person


def _audience(grant: TokenGrant, granted: Granted) -> str:
    audience = granted.audience or grant.owner
    if grant.owner not in (CORE_AUDIENCE, audience):
        # A plugin opens its own doors, never the city's or a neighbour's.
        raise OAuthError("invalid_target", "a plugin's grant gives tokens for the plugin only")
    return audience
