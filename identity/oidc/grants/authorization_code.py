"""The authorization code grant (RFC 6749, 4.1.3) with PKCE (RFC 7636): a code works once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any

from sqlalchemy import select, update

from app import audit
from app.db import now, session, unit_of_work
from app.guards import Kind, Principal, acting_as
from identity.oidc.access import wanted
from identity.oidc.clients import Caller
from identity.oidc.details import narrowed
from identity.oidc.errors import OAuthError
from identity.oidc.forms import needed
from identity.oidc.grants.issued import tokens_of
from identity.oidc.grants.living import ALIVE, GRANT
from identity.oidc.models import AuthorizationCode, AuthorizationGrant
from identity.oidc.one_shot import OneShot
from identity.oidc.revocation import revoke_grant
from identity.oidc.rows import Reader

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CODE = Reader(AuthorizationCode)
_TAKE = OneShot.of(
    "take code",
    f"""
    WITH taken AS (
        UPDATE identity.authorization_code c SET consumed_at = cast(:now AS timestamptz)
        FROM identity.authorization_grant g, identity.account a, identity.person p
        WHERE c.code_hash = decode(:code, 'hex') AND c.client_id = :client AND c.consumed_at IS NULL
            AND g.id = c.grant_id AND a.id = g.account_id AND p.id = g.person_id
        RETURNING to_jsonb(c)::text AS code, CASE WHEN {ALIVE} THEN to_jsonb(g)::text END AS living)
    SELECT (SELECT code FROM taken), (SELECT living FROM taken)
    """,  # noqa: S608 - all parts are constants
)


def authorization_code(caller: Caller, params: dict[str, str]) -> dict[str, Any]:
    """Redeem a code, once: consume, compare with what it was made for, then issue."""
    code, grant = _consume(needed(params, "code"), caller)
    _check_redirect(code, params)
    _check_verifier(code, needed(params, "code_verifier"))
    if grant is None or code.expires_at <= now() or code.jkt not in (None, caller.jkt):
        raise _bad_grant()
    asked = wanted(params, grant.access)
    carried = narrowed(params, grant.authorization_details)
    if not caller.confidential and caller.jkt is not None:
        _bind(grant, caller.jkt)
    return tokens_of(grant, asked, nonce=code.nonce, jkt=caller.jkt, carried=carried)


def code_hash(code: str) -> bytes:
    """Return the form in which a code is kept."""
    return hashlib.sha256(code.encode()).digest()


def _consume(code: str, caller: Caller) -> tuple[AuthorizationCode, AuthorizationGrant | None]:
    """Return the code with its grant, None for one that is withdrawn or whose person or account is stopped."""
    # Committed at once: whatever goes wrong from here on, this code is spent.
    values = {"code": code_hash(code).hex(), "client": caller.id, "now": now().isoformat()}
    taken, living = _TAKE.run(values)
    found = _CODE.one(taken)
    if found is None:
        _revoke_if_replayed(code, caller)
        raise _bad_grant()
    return found, GRANT.one(living)


def _bind(grant: AuthorizationGrant, jkt: str) -> None:
    """Bind a public client's refresh tokens to its key (RFC 9449, 5)."""
    session().execute(update(AuthorizationGrant).where(AuthorizationGrant.id == grant.id).values(jkt=jkt))


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


def _check_redirect(code: AuthorizationCode, params: dict[str, str]) -> None:
    if params.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
        raise _bad_grant()


def _check_verifier(code: AuthorizationCode, verifier: str) -> None:
    if not _VERIFIER.fullmatch(verifier):
        raise _bad_grant()
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(digest, code.code_challenge):
        raise _bad_grant()


def _bad_grant() -> OAuthError:
    # One answer for every cause: a thief learns nothing from it.
    return OAuthError("invalid_grant", "the code is unknown, used, expired, or not yours")
