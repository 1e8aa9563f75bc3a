"""Tokens of a request that was decided on another device."""

from __future__ import annotations

from typing import Any

from identity.oidc import details
from identity.oidc.access import wanted
from identity.oidc.errors import OAuthError
from identity.oidc.grants.issued import live_grant, tokens_of


def tokens_of_decided(grant_id: str, params: dict[str, str], *, jkt: str | None) -> dict[str, Any]:
    """Return the token answer of an approved request; raises `invalid_grant` when the consent has ended since."""
    grant = live_grant(grant_id)
    if grant is None:
        raise OAuthError("invalid_grant", "the consent has been withdrawn")
    carried = details.narrowed(params, grant.authorization_details)
    return tokens_of(grant, wanted(params, grant.access), jkt=jkt, carried=carried)
