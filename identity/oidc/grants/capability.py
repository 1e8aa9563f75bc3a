"""Grants that a capability or plugin registered with the core, served with the authenticated client."""

from __future__ import annotations

from typing import Any

from flask import request

from app.db import session
from app.guards import Kind, Principal
from app.token_grants import GrantCaller, Granted, GrantRefused, TokenGrant, token_grants
from identity.oidc import clients, tokens
from identity.oidc.access import Wanted
from identity.oidc.clients import Caller
from identity.oidc.errors import OAuthError
from identity.oidc.grants.issued import record
from identity.parties.directory import directory
from identity.parties.models import Person

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
    return _issued(granted, asking)


def _issued(granted: Granted, asking: GrantCaller) -> dict[str, Any]:
    person = session().get(Person, granted.party)
    if person is None or person.state != "active":
        raise OAuthError("invalid_grant", "whom it speaks for is not active")
    wanted = Wanted(granted.audience, granted.scopes)
    token = tokens.access_token(
        wanted,
        jkt=asking.jkt,
        kind="citizen",
        sub=directory.subject_of(person.id, granted.audience),
        client_id=asking.client or "anonymous",
        acr=tokens.acr(person.proofing_level, 0),
    )
    record(Principal(kind=Kind.CITIZEN, actor=person.id), subject=person.id, object=asking.client or "anonymous",
           audience=granted.audience)  # fmt: skip
    return tokens.answer(token, granted.scopes, jkt=asking.jkt, **granted.more)
