"""The token endpoint and its neighbours, as lists of named steps."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import select

from app.db import session
from identity.oidc import clients, forms, jose
from identity.oidc.errors import OAuthError
from identity.oidc.grants import GRANTS
from identity.oidc.models import AuthorizationGrant
from identity.oidc.revocation import revoke, revoke_grant
from identity.oidc.tokens import family
from identity.oidc.verify import claims_of


def give() -> dict[str, Any]:
    """Answer one token request; raises `OAuthError`."""
    params = forms.form(request)
    grant_type = forms.needed(params, "grant_type")
    if grant_type not in GRANTS:
        raise OAuthError("unsupported_grant_type", "see grant_types_supported in the metadata")
    caller = clients.caller(params)
    return GRANTS[grant_type](caller, params)


def withdraw() -> None:
    """Revoke a token of the calling client (RFC 7009); an unknown token is no error."""
    params = forms.form(request)
    token = forms.needed(params, "token")
    caller = clients.caller(params)
    try:
        claims = claims_of(token)
    except jose.BadToken:
        return
    if claims["client_id"] != caller.id:
        return
    revoke("jti", claims["jti"])
    if "sid" in claims:
        _end_family(caller.id, claims["sid"])


def _end_family(client_id: str, sid: str) -> None:
    open_grants = session().scalars(
        select(AuthorizationGrant)
        .where(AuthorizationGrant.client_id == client_id, AuthorizationGrant.revoked_at.is_(None))
        .order_by(AuthorizationGrant.id.desc())
        .limit(1000)
    )
    for grant in open_grants.all():
        if sid in {family(grant.id, audience) for audience in grant.access}:
            revoke_grant(grant)
