"""The revocation endpoint (RFC 7009): a client gives back its own access or refresh token."""

from __future__ import annotations

from flask import request
from sqlalchemy import select

from app.db import session
from identity.oidc import clients, forms, jose, refresh_token
from identity.oidc.models import AuthorizationGrant
from identity.oidc.revocation import revoke, revoke_grant
from identity.oidc.tokens import family
from identity.oidc.verify import claims_of


def withdraw() -> None:
    """Revoke a token of the calling client and the family it is of; an unknown token is no error."""
    params = forms.form(request)
    token = forms.needed(params, "token")
    caller = clients.caller(params)
    refreshing = refresh_token.opened(token, caller.id)
    if refreshing is not None:
        _end_grant(refreshing.grant_id, caller.id)
        return
    try:
        claims = claims_of(token)
    except jose.BadToken:
        return
    if claims["client_id"] != caller.id:
        return
    revoke("jti", claims["jti"])
    if "sid" in claims:
        _end_family(caller.id, claims["sid"])


def _end_grant(grant_id: str, client_id: str) -> None:
    grant = session().get(AuthorizationGrant, grant_id)
    if grant is not None and grant.client_id == client_id:
        revoke_grant(grant)


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
