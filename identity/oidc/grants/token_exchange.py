"""Token exchange (RFC 8693): a plugin that holds a citizen's token calls another audience for that citizen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, or_, select

from app import audit
from app.db import session
from app.guards import Kind, Principal, acting_as
from identity.oidc import jose, tokens
from identity.oidc.access import Access, Wanted, wanted
from identity.oidc.clients import Caller
from identity.oidc.errors import OAuthError
from identity.oidc.forms import needed
from identity.oidc.grants.issued import live_grant
from identity.oidc.models import AuthorizationGrant, Client
from identity.oidc.permitted import EXCHANGE, confidential_for
from identity.oidc.settings import resource_of
from identity.oidc.verify import claims_of
from identity.parties.directory import directory

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name of the standard
_DEEPEST = 4
_NOT_TAKEN = ("actor_token", "actor_token_type", "audience")


def token_exchange(caller: Caller, params: dict[str, str]) -> dict[str, Any]:
    """Exchange a citizen's token of the caller's audience for one of another audience that says who acts."""
    client = confidential_for(caller, EXCHANGE)
    _check_types(params)
    held = _held(needed(params, "subject_token"), client)
    party = _party(held["sub"], client)
    grant = _grant_of(held, party, client)
    asked = wanted(params, _common(grant, client))
    actor = _acting(held, client, asked.audience)
    token, seconds = tokens.exchanged(
        grant, asked, party=party, until=held["exp"], jkt=caller.jkt, client_id=client.id, act=actor
    )
    _record(client, grant, party, asked)
    more = {"issued_token_type": ACCESS_TOKEN, "expires_in": seconds}
    return tokens.answer(token, asked.scopes, jkt=caller.jkt) | more


def _check_types(params: Mapping[str, str]) -> None:
    if any(name in params for name in _NOT_TAKEN):
        raise OAuthError("invalid_request", "the actor is the client; name the target by resource")
    for name in ("subject_token_type", "requested_token_type"):
        if params.get(name, ACCESS_TOKEN) != ACCESS_TOKEN:
            raise OAuthError("invalid_request", f"{name} must be {ACCESS_TOKEN}")
    needed(dict(params), "subject_token_type")


def _held(token: str, client: Client) -> dict[str, Any]:
    """Return the claims of a citizen's live token that was meant for the audience this client serves."""
    try:
        claims = claims_of(token)
    except jose.BadToken:
        raise _bad_subject() from None
    if client.serves is None or claims["aud"] != resource_of(client.serves):
        raise _bad_subject()
    if claims["kind"] != Kind.CITIZEN.value or not isinstance(claims.get("sid"), str):
        raise _bad_subject()
    return claims


def _party(subject: str, client: Client) -> str:
    party = directory.party_of(subject, str(client.serves))
    if party is None:
        raise _bad_subject()
    return party


def _grant_of(claims: Mapping[str, Any], party: str, client: Client) -> AuthorizationGrant:
    audience = str(client.serves)
    acting = _party(_person_acting(claims), client)
    # `sid` links to nothing, so the grants of the person who logged in are tried one by one.
    candidates = session().scalars(
        select(AuthorizationGrant)
        .where(
            or_(
                AuthorizationGrant.person_id == acting,
                and_(AuthorizationGrant.person_id == party, AuthorizationGrant.assisted_by == acting),
            ),
            or_(AuthorizationGrant.acting_for.is_(None), AuthorizationGrant.acting_for == party),
            AuthorizationGrant.revoked_at.is_(None),
        )
        .order_by(AuthorizationGrant.id.desc())
    )
    named = next((each for each in candidates if tokens.family(each.id, audience) == claims["sid"]), None)
    grant = live_grant(named.id) if named is not None else None
    if grant is None or not _active(grant.client_id):
        raise _bad_subject()
    return grant


def _person_acting(claims: Mapping[str, Any]) -> str:
    """Return the subject id of who logged in: the innermost person of `act`, or the subject itself."""
    act, sub = claims.get("act"), str(claims["sub"])
    while isinstance(act, dict):
        sub, act = (str(act["sub"]) if _is_person(act) else sub), act.get("act")
    return sub


def _active(client_id: str) -> bool:
    return session().scalar(select(Client.state).where(Client.id == client_id)) == "active"


def _common(grant: AuthorizationGrant, client: Client) -> Access:
    """Return what both the citizen granted and the client may hold, at other audiences than its own."""
    both = {
        audience: [scope for scope in scopes if scope in client.access.get(audience, ())]
        for audience, scopes in grant.access.items()
        if audience != client.serves
    }
    return {audience: scopes for audience, scopes in both.items() if scopes}


def _acting(held: Mapping[str, Any], client: Client, audience: str) -> dict[str, Any]:
    """Return `act`: the client, and inside it who acted before (RFC 8693, 4.1), by the new audience's own ids."""
    earlier = held.get("act")
    inside = {"act": _translated(earlier, str(client.serves), audience, _DEEPEST - 1)} if earlier else {}
    return {"sub": client.id, **inside}


def _translated(act: Any, source: str, target: str, depth: int) -> dict[str, Any]:
    if depth == 0:
        raise OAuthError("invalid_request", "too many have acted already")
    if not isinstance(act, dict) or not isinstance(act.get("sub"), str):
        raise _bad_subject()
    sub = act["sub"]
    if _is_person(act):
        party = directory.party_of(sub, source)
        if party is None:
            raise _bad_subject()
        sub = directory.subject_of(party, target)
    ground = act.get("evidence")
    if ground is not None:
        # The ground of acting, too, has another id in every audience.
        known = directory.party_of(str(ground), source)
        ground = None if known is None else directory.subject_of(known, target)
    inside = {"act": _translated(act["act"], source, target, depth - 1)} if act.get("act") else {}
    said = {"capacity": act.get("capacity"), "evidence": ground}
    return {"sub": sub, **{name: value for name, value in said.items() if value is not None}, **inside}


def _is_person(act: Mapping[str, Any]) -> bool:
    return str(act.get("sub", "")).startswith("sub_")


def _record(client: Client, grant: AuthorizationGrant, party: str, asked: Wanted) -> None:
    with acting_as(Principal(kind=Kind.CLIENT, actor=client.id, client=client.id, acting_for=party)):
        audit.record(
            "identity.token-exchanged",
            subject=party,
            object=grant.id,
            details={"from": client.serves, "to": asked.audience},
        )


def _bad_subject() -> OAuthError:
    # RFC 8693, 2.2.2. One answer for every cause: a thief learns nothing from it.
    return OAuthError("invalid_request", "the subject token is not a live token of a citizen for this client")
