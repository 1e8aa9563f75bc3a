"""Tell clients by their own door that a session ended (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import select, update

from app import audit
from app.db import add, now, outside_wait, session
from app.outbox import enqueue
from identity.oidc import jose, keys
from identity.oidc.logout import egress
from identity.oidc.logout.models import LogoutDelivery
from identity.oidc.models import AuthorizationGrant, Client
from identity.oidc.settings import issuer
from identity.oidc.tokens import client_audience, client_session
from identity.parties.directory import directory

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPE = "logout+jwt"
_TOKEN_SECONDS = 120
# After the last wait a client has been unreachable for about a day and a half; its tokens died long before.
_WAITS = tuple(timedelta(seconds=each) for each in (10, 60, 300, 1800, 7200, 28800, 86400))


def tell(grants: Iterable[AuthorizationGrant]) -> None:
    """Queue, with the change that ends these grants, one message to each client session that wants to know."""
    told = {(each.client_id, each.session_id): each.acting_for or each.person_id for each in grants}
    listening = {client.id: client for client in _listening({client_id for client_id, _ in told})}
    for (client_id, session_id), party in told.items():
        client = listening.get(client_id)
        if client is not None:
            delivery = add(
                LogoutDelivery(
                    client_id=client_id,
                    subject=directory.subject_of(party, client_audience(client_id, client.sector)),
                    sid=client_session(session_id, client_id),
                )
            )
            enqueue("identity.send_logout", delivery_id=delivery.id)


def _listening(client_ids: set[str]) -> Sequence[Client]:
    if not client_ids:
        return []
    wants = select(Client).where(Client.id.in_(client_ids), Client.backchannel_logout_uri.is_not(None))
    return session().scalars(wants).all()


def send(delivery_id: str) -> None:
    """Try one delivery that is due; a failure is tried again later, until it is given up.

    The try is counted and put off before the call, so that a worker that
    dies on the way neither repeats at once nor forgets; no connection is
    held while the client answers.
    """
    delivery = _taken(delivery_id)
    if delivery is None:
        return
    client = session().get(Client, delivery.client_id)
    if client is None or client.state != "active" or client.backchannel_logout_uri is None:
        _settle(delivery, "given_up")
        return
    address, token = client.backchannel_logout_uri, logout_token(delivery)
    with outside_wait():
        delivered = egress.post(address, {"logout_token": token})
    _settle(delivery, "delivered" if delivered else _after(delivery.attempts))


def _taken(delivery_id: str) -> LogoutDelivery | None:
    taken = session().scalars(
        update(LogoutDelivery)
        .where(
            LogoutDelivery.id == delivery_id,
            LogoutDelivery.state == "waiting",
            LogoutDelivery.next_attempt_at <= now(),
        )
        .values(attempts=LogoutDelivery.attempts + 1, next_attempt_at=now() + _WAITS[0])
        .returning(LogoutDelivery)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return taken.first()


def _after(attempts: int) -> str:
    return "waiting" if attempts <= len(_WAITS) else "given_up"


def _settle(delivery: LogoutDelivery, state: str) -> None:
    wait = _WAITS[min(delivery.attempts, len(_WAITS)) - 1]
    session().execute(
        update(LogoutDelivery)
        .where(LogoutDelivery.id == delivery.id)
        .values(state=state, next_attempt_at=now() + wait)
        .execution_options(synchronize_session=False)
    )
    if state == "given_up":
        audit.record("identity.logout-undelivered", object=delivery.client_id, outcome="refused")


def logout_token(delivery: LogoutDelivery) -> str:
    """Return the signed token of a delivery (2.4): who and which session, never a nonce."""
    issued = int(time.time())
    kid, key = keys.active()
    body = {
        "iss": issuer(),
        "aud": delivery.client_id,
        "sub": delivery.subject,
        "sid": delivery.sid,
        "iat": issued,
        "exp": issued + _TOKEN_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "events": {EVENT: {}},
    }
    return jose.sign(body, key, typ=TYPE, header={"kid": kid})


def resend() -> None:
    """Queue every delivery that is due: those that failed, and those whose worker died."""
    due = select(LogoutDelivery.id).where(LogoutDelivery.state == "waiting", LogoutDelivery.next_attempt_at <= now())
    for delivery_id in session().scalars(due.order_by(LogoutDelivery.next_attempt_at).limit(500)).all():
        enqueue("identity.send_logout", delivery_id=delivery_id)
