"""Tokens of a request that was decided on another device."""

from __future__ import annotations

from typing import Any

from identity.oidc import details
from identity.oidc.access import wanted
from identity.oidc.clients import Caller
from identity.oidc.errors import OAuthError
from identity.oidc.grants.issued import live_grant, tokens_of


def tokens_of_decided(grant_id: str, caller: Caller, params: dict[str, str]) -> dict[str, Any]:
    """Return the token answer of an approved request; raises `invalid_grant` when the consent has ended since."""
    grant = live_grant(grant_id)
    if grant is None:
        raise OAuthError("invalid_grant", "the consent has been withdrawn")
    carried = details.narrowed(params, grant.authorization_details)
    if not caller.confidential and caller.jkt is not None:
        # A public client's refresh tokens are bound to its key (RFC 9449, 5).
        grant.jkt = caller.jkt
    return tokens_of(grant, wanted(params, grant.access), jkt=caller.jkt, carried=carried)
