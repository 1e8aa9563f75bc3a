"""`id_token_hint`: an ID token of ours, expired or not, that tells whom the client means."""

from __future__ import annotations

from identity.oidc import jose
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client
from identity.oidc.settings import issuer
from identity.oidc.tokens import ID_TYPE
from identity.oidc.verify import own_key

_TYPES: frozenset[str | None] = frozenset({ID_TYPE})


def subject_of(hint: str | None, client: Client) -> str | None:
    """Return the `sub` of an ID token that we gave this client; raises `invalid_request` for any other text."""
    if hint is None:
        return None
    try:
        claims = jose.verify(hint, typ=_TYPES, find_key=own_key)
    except jose.BadToken as error:
        raise OAuthError("invalid_request", f"id_token_hint: {error}") from None
    sub = claims.get("sub")
    if claims.get("iss") != issuer() or claims.get("aud") != client.id or not isinstance(sub, str):
        raise OAuthError("invalid_request", "id_token_hint is not of this client")
    return sub
