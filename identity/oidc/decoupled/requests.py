"""Open a decoupled request, decide it once, and give out its grant once: each by one conditional statement."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.db import add, now, session, unit_of_work
from app.errors import Conflict
from app.guards import Kind, Principal, acting_as
from app.ids import new_id
from app.text import Text
from identity.oidc.errors import OAuthError
from identity.oidc.models import AuthorizationGrant, Client, DecoupledRequest
from identity.oidc.offline import ends_at
from identity.sessions.service import Live

LIFETIME_SECONDS = 600
INTERVAL_SECONDS = 5
_SLOWEST_SECONDS = 60


class NoLongerOpen(Conflict):
    title = Text("此请求已处理或已过期", "This request was decided or has expired")
    next_step = Text("请在设备或应用上重新发起", "Start again on the device or in the app")


def secret_hash(secret: str) -> bytes:
    """Return the form in which a device code or `auth_req_id` is kept."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def opened(secret: str, *, lifetime_seconds: int = LIFETIME_SECONDS, **values: Any) -> str | None:
    """Keep a new request and return its id, or None when its user code is in use."""
    return session().scalar(
        insert(DecoupledRequest)
        .values(
            secret_hash=secret_hash(secret),
            id=new_id("decoupled"),
            state="pending",
            interval_seconds=INTERVAL_SECONDS,
            created_at=now(),
            expires_at=now() + timedelta(seconds=lifetime_seconds),
            **values,
        )
        .on_conflict_do_nothing(index_elements=[DecoupledRequest.user_code_index])
        .returning(DecoupledRequest.id)
    )


def approve(request_id: str, live: Live) -> None:
    """Let the person of a session grant what is asked; raises `NoLongerOpen` for all but the first decision."""
    taken = _decided(request_id, live, "approved")
    # The other device is a session of its own: logging out of this browser does not end it.
    grant = add(
        AuthorizationGrant(
            account_id=live.account_id,
            person_id=live.person_id,
            client_id=taken.client_id,
            session_id=taken.id,
            access=taken.access,
            authorization_details=taken.authorization_details,
            proofing_level=live.proofing_level,
            authentication_level=live.authentication_level,
            authenticated_at=live.authenticated_at,
            expires_at=ends_at(taken.access, now()),
        )
    )
    session().execute(update(DecoupledRequest).where(DecoupledRequest.id == request_id).values(grant_id=grant.id))
    with _acting(live):
        audit.record("identity.consented", subject=live.person_id, object=grant.id, details={"client": taken.client_id})


def deny(request_id: str, live: Live) -> None:
    """Let the person of a session refuse; raises `NoLongerOpen` for all but the first decision."""
    taken = _decided(request_id, live, "denied")
    with _acting(live):
        audit.record(
            "identity.request-denied", subject=live.person_id, object=taken.id, details={"client": taken.client_id}
        )


def _decided(request_id: str, live: Live, state: str) -> DecoupledRequest:
    active = select(Client.id).where(Client.state == "active")
    mine = or_(DecoupledRequest.kind == "device", DecoupledRequest.person_id == live.person_id)
    taken = session().scalars(
        update(DecoupledRequest)
        .where(DecoupledRequest.id == request_id, mine, DecoupledRequest.client_id.in_(active), *_open())
        .values(state=state, person_id=live.person_id)
        .returning(DecoupledRequest)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    found = taken.first()
    if found is None:
        raise NoLongerOpen
    return found


def _open() -> tuple[ColumnElement[bool], ...]:
    return DecoupledRequest.state == "pending", DecoupledRequest.expires_at > now()


def pending(*which: ColumnElement[bool]) -> list[tuple[DecoupledRequest, Client]]:
    """Return open requests of active clients, newest first."""
    rows = session().execute(
        select(DecoupledRequest, Client)
        .join(Client, Client.id == DecoupledRequest.client_id)
        .where(Client.state == "active", *_open(), *which)
        .order_by(DecoupledRequest.created_at.desc())
        .limit(20)
    )
    return [(row.DecoupledRequest, row.Client) for row in rows]


def collect(secret: str, *, kind: str, client_id: str) -> str:
    """Return the grant of an approved request, to one poll only; raises what RFC 8628, 3.5 names."""
    this = (
        DecoupledRequest.secret_hash == secret_hash(secret),
        DecoupledRequest.kind == kind,
        DecoupledRequest.client_id == client_id,
    )
    # Committed at once: whatever goes wrong from here on, this request is spent.
    with unit_of_work():
        granted: str | None = session().scalar(
            update(DecoupledRequest)
            .where(*this, DecoupledRequest.state == "approved", DecoupledRequest.expires_at > now())
            .values(state="consumed")
            .returning(DecoupledRequest.grant_id)
        )
    if granted is None:
        raise _not_yet(this)
    return granted


def _not_yet(this: tuple[ColumnElement[bool], ...]) -> OAuthError:
    found = session().scalars(select(DecoupledRequest).where(*this).execution_options(populate_existing=True)).first()
    if found is None or found.state == "consumed":
        return OAuthError("invalid_grant", "the code is unknown, used, or not yours")
    if found.expires_at <= now():
        return OAuthError("expired_token", "nobody decided in time: start again")
    if found.state == "denied":
        return OAuthError("access_denied", "the person refused")
    if _in_pace(this):
        return OAuthError("authorization_pending", "the person has not decided yet")
    return OAuthError("slow_down", "wait five seconds longer between two polls")


def _in_pace(this: tuple[ColumnElement[bool], ...]) -> bool:
    """Tell whether this poll came late enough, and remember when it came."""
    waited = DecoupledRequest.polled_at + func.make_interval(0, 0, 0, 0, 0, 0, DecoupledRequest.interval_seconds)
    slower = func.least(DecoupledRequest.interval_seconds + 5, _SLOWEST_SECONDS)
    with unit_of_work():
        in_time = session().scalar(
            update(DecoupledRequest)
            .where(*this, or_(DecoupledRequest.polled_at.is_(None), waited <= now()))
            .values(polled_at=now())
            .returning(DecoupledRequest.id)
        )
        if in_time is None:
            session().execute(update(DecoupledRequest).where(*this).values(polled_at=now(), interval_seconds=slower))
    return in_time is not None


def _acting(live: Live) -> acting_as:
    return acting_as(Principal(kind=Kind.CITIZEN, actor=live.person_id))
