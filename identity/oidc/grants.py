"""The grants of the token endpoint, each a short list of steps."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from app import audit
from app.db import now, session, unit_of_work
from app.guards import Kind, Principal, acting_as
from identity.accounts.models import Account
from identity.oidc import tokens
from identity.oidc.access import wanted
from identity.oidc.clients import Caller
from identity.oidc.errors import OAuthError
from identity.oidc.forms import needed
from identity.oidc.models import AuthorizationCode, AuthorizationGrant
from identity.oidc.revocation import revoke_grant
from identity.oidc.settings import audience_of
from identity.parties.models import Organisation, Person

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
Params = dict[str, str]


def client_credentials(caller: Caller, params: Params) -> dict[str, Any]:
    """Give a terminal a token for itself."""
    if caller.terminal is None:
        raise OAuthError("unauthorized_client", "only terminals act for themselves")
    asked = wanted(params, caller.access)
    _active_organisation(caller.terminal.organisation_id)
    token = tokens.for_terminal(caller.terminal, asked)
    _record(Principal(kind=Kind.TERMINAL, actor=caller.id), object=caller.id, audience=asked.audience)
    return tokens.answer(token, asked.scopes)


def authorization_code(caller: Caller, params: Params) -> dict[str, Any]:
    """Redeem a code, once: consume, compare with what it was made for, then issue."""
    code = _consume(needed(params, "code"), caller)
    _check_redirect(code, params)
    _check_verifier(code, needed(params, "code_verifier"))
    grant = _live_grant(code)
    _check_resource(grant, params)
    token = tokens.for_citizen(grant)
    _record(Principal(kind=Kind.CITIZEN, actor=grant.person_id), subject=grant.person_id, object=grant.id)
    more = {}
    if "openid" in grant.scopes:
        more["id_token"] = tokens.id_token(grant, nonce=code.nonce, access_token=token)
    return tokens.answer(token, tuple(grant.scopes), **more)


GRANTS: dict[str, Callable[[Caller, Params], dict[str, Any]]] = {
    "client_credentials": client_credentials,
    "authorization_code": authorization_code,
}


def code_hash(code: str) -> bytes:
    """Return the form in which a code is kept."""
    return hashlib.sha256(code.encode()).digest()


def _consume(code: str, caller: Caller) -> AuthorizationCode:
    # Committed at once: whatever goes wrong from here on, this code is spent.
    with unit_of_work():
        taken = session().scalars(
            update(AuthorizationCode)
            .where(
                AuthorizationCode.code_hash == code_hash(code),
                AuthorizationCode.client_id == caller.id,
                AuthorizationCode.consumed_at.is_(None),
            )
            .values(consumed_at=now())
            .returning(AuthorizationCode)
        )
        found = taken.first()
    if found is None:
        _revoke_if_replayed(code, caller)
        raise _bad_grant()
    if found.expires_at <= now():
        raise _bad_grant()
    return found


def _revoke_if_replayed(code: str, caller: Caller) -> None:
    """Withdraw what a code gave when its own client shows it twice (RFC 6749, 4.1.2)."""
    with unit_of_work():
        grant = (
            session()
            .scalars(
                select(AuthorizationGrant)
                .join(AuthorizationCode, AuthorizationCode.grant_id == AuthorizationGrant.id)
                .where(AuthorizationCode.code_hash == code_hash(code), AuthorizationCode.client_id == caller.id)
            )
            .first()
        )
        if grant is not None:
            revoke_grant(grant)
            with acting_as(Principal(kind=Kind.CLIENT, actor=caller.id)):
                audit.record("identity.code-replayed", subject=grant.person_id, object=grant.id, outcome="refused")


def _check_redirect(code: AuthorizationCode, params: Params) -> None:
    if params.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
        raise _bad_grant()


def _check_verifier(code: AuthorizationCode, verifier: str) -> None:
    if not _VERIFIER.fullmatch(verifier):
        raise _bad_grant()
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(digest, code.code_challenge):
        raise _bad_grant()


def _live_grant(code: AuthorizationCode) -> AuthorizationGrant:
    grant = (
        session()
        .scalars(
            select(AuthorizationGrant)
            .join(Account, Account.id == AuthorizationGrant.account_id)
            .join(Person, Person.id == AuthorizationGrant.person_id)
            .where(
                AuthorizationGrant.id == code.grant_id,
                AuthorizationGrant.revoked_at.is_(None),
                Account.state == "active",
                Person.state == "active",
            )
        )
        .first()
    )
    if grant is None:
        raise _bad_grant()
    return grant


def _check_resource(grant: AuthorizationGrant, params: Params) -> None:
    if "resource" in params and audience_of(params["resource"]) != grant.audience:
        raise OAuthError("invalid_target", "the code was given for another resource")


def _active_organisation(organisation_id: str) -> None:
    found = session().get(Organisation, organisation_id)
    if found is None or found.state != "active":
        raise OAuthError("invalid_client", "the terminal's organisation is not active", status=401)


def _record(who: Principal, *, object: str, subject: str | None = None, audience: str | None = None) -> None:
    with acting_as(who):
        audit.record(
            "identity.token-issued",
            subject=subject,
            object=object,
            details={"audience": audience} if audience else None,
        )


def _bad_grant() -> OAuthError:
    # One answer for every cause: a thief learns nothing from it.
    return OAuthError("invalid_grant", "the code is unknown, used, expired, or not yours")
