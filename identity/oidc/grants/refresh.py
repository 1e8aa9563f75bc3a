"""The refresh token grant (RFC 6749, 6; RFC 9700, 4.14): a family rotates by compare-and-set and ends on reuse.

A `fapi2` client's refresh token does not rotate: its key holds it instead
(FAPI 2.0, 5.3.2.1). An answer that was lost on the way can be had again: for
some seconds the generation before gets the very same successor.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update

from app import audit
from app.db import now, session, unit_of_work
from app.guards import CORE_AUDIENCE, Kind, Principal, acting_as
from identity.accounts.models import Account
from identity.oidc import refresh_token
from identity.oidc.access import Wanted, wanted
from identity.oidc.clients import Caller
from identity.oidc.details import Details, narrowed
from identity.oidc.errors import OAuthError
from identity.oidc.forms import needed
from identity.oidc.grants.issued import alive, live_grant, tokens_of
from identity.oidc.grants.living import ALIVE, GRANT, living_grant
from identity.oidc.models import AuthorizationGrant
from identity.oidc.one_shot import OneShot
from identity.oidc.refresh_token import RefreshToken
from identity.oidc.revocation import revoke_grant
from identity.oidc.settings import REFRESH_GRACE_SECONDS
from identity.parties.models import Person

Asked = tuple[AuthorizationGrant, Wanted, Details]

# What a request may name to be given less; it may name too much.
_NARROWING = ("scope", "resource", "authorization_details")
# For a request that names none of them; the last condition is what `wanted` then asks for.
_ROTATE = OneShot.of(
    "rotate",
    f"""
    WITH taken AS (
        UPDATE identity.authorization_grant g
        SET refresh_generation = g.refresh_generation + 1, refreshed_at = cast(:now AS timestamptz)
        FROM identity.account a, identity.person p
        WHERE g.id = :grant AND g.client_id = :client AND g.refresh_generation = cast(:generation AS integer)
            AND a.id = g.account_id AND p.id = g.person_id AND {ALIVE}
            AND (g.jkt IS NULL OR g.jkt = :jkt)
            AND (jsonb_exists(g.access, '{CORE_AUDIENCE}')
                OR (SELECT count(*) FROM jsonb_object_keys(g.access)) = 1)
        RETURNING g.*)
    SELECT (SELECT to_jsonb(taken)::text FROM taken)
    """,  # noqa: S608 - all parts are constants
)


def refresh(caller: Caller, params: dict[str, str]) -> dict[str, Any]:
    """Give new tokens for a refresh token, of all that was consented to or of less."""
    shown = refresh_token.opened(needed(params, "refresh_token"), caller.id)
    if shown is None or caller.client is None:
        raise _bad_grant()
    if caller.client.profile == "fapi2":
        return _kept(caller, shown, params)
    grant, asked, carried = _rotated(caller, shown, params) or _given_again(caller, shown, params)
    return tokens_of(grant, asked, jkt=caller.jkt, carried=carried)


def _kept(caller: Caller, shown: RefreshToken, params: dict[str, str]) -> dict[str, Any]:
    grant = living_grant(shown.grant_id)
    if grant is None or grant.client_id != caller.id or grant.refresh_generation != shown.generation:
        raise _bad_grant()
    _, asked, carried = _asked_of(grant, params)
    return tokens_of(grant, asked, jkt=caller.jkt, carried=carried)


def _asked_of(grant: AuthorizationGrant, params: dict[str, str]) -> Asked:
    """Return what a request asks of a grant; raises the error of asking for more than it holds."""
    return grant, wanted(params, grant.access), narrowed(params, grant.authorization_details)


def _rotated(caller: Caller, shown: RefreshToken, params: dict[str, str]) -> Asked | None:
    if params.keys().isdisjoint(_NARROWING):
        found = _rotated_whole(caller, shown)
        return None if found is None else _asked_of(found, params)
    # One statement decides between parallel calls. What was asked for is checked before the commit, so that a
    # request for too much costs the client nothing.
    with unit_of_work():
        taken = session().scalars(
            update(AuthorizationGrant)
            .where(
                AuthorizationGrant.id == shown.grant_id,
                AuthorizationGrant.client_id == caller.id,
                AuthorizationGrant.refresh_generation == shown.generation,
                Account.id == AuthorizationGrant.account_id,
                Person.id == AuthorizationGrant.person_id,
                or_(AuthorizationGrant.jkt.is_(None), AuthorizationGrant.jkt == caller.jkt),
                *alive(),
            )
            .values(refresh_generation=shown.generation + 1, refreshed_at=now())
            .returning(AuthorizationGrant)
            .execution_options(synchronize_session=False)
        )
        grant = taken.first()
        return None if grant is None else _asked_of(grant, params)


def _rotated_whole(caller: Caller, shown: RefreshToken) -> AuthorizationGrant | None:
    """Return the rotated grant of a request for all that was granted; that can be refused for nothing asked."""
    values = {"grant": shown.grant_id, "client": caller.id, "generation": str(shown.generation)}
    return GRANT.one(_ROTATE.run({**values, "jkt": caller.jkt, "now": now().isoformat()})[0])


def _given_again(caller: Caller, shown: RefreshToken, params: dict[str, str]) -> Asked:
    """Return the grant of an answer that was lost; ends the family of a token that was used before."""
    grant = session().scalar(
        select(AuthorizationGrant).where(
            AuthorizationGrant.id == shown.grant_id, AuthorizationGrant.client_id == caller.id
        )
    )
    if grant is None or shown.generation >= grant.refresh_generation:
        raise _bad_grant()
    if not _lost_answer(grant, caller, shown):
        _end(grant, caller)
        raise _bad_grant()
    living = live_grant(grant.id)
    if living is None:
        raise _bad_grant()
    return _asked_of(living, params)


def _lost_answer(grant: AuthorizationGrant, caller: Caller, shown: RefreshToken) -> bool:
    return (
        shown.generation == grant.refresh_generation - 1
        and grant.jkt in (None, caller.jkt)
        and grant.refreshed_at is not None
        and now() - grant.refreshed_at <= timedelta(seconds=REFRESH_GRACE_SECONDS)
    )


def _end(grant: AuthorizationGrant, caller: Caller) -> None:
    with unit_of_work():
        revoke_grant(grant)
        with acting_as(Principal(kind=Kind.CLIENT, actor=caller.id)):
            audit.record("identity.refresh-reused", subject=grant.person_id, object=grant.id, outcome="refused")


def _bad_grant() -> OAuthError:
    # One answer for every cause: a thief learns nothing from it.
    return OAuthError("invalid_grant", "the refresh token is unknown, used, expired, withdrawn, or not yours")
