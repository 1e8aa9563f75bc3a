"""Withdraw tokens before they expire, and tell verifiers within two seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import func, select, update

from app.db import add, now, session, unit_of_work, work
from identity.oidc.logout import backchannel
from identity.oidc.models import AuthorizationGrant, Revocation
from identity.oidc.offline import bound_to_session
from identity.oidc.settings import ACCESS_TOKEN_SECONDS, CLOCK_SKEW_SECONDS
from identity.oidc.tokens import family

REFRESH_SECONDS = 2.0
_NAMED_BY = {"jti": "jti", "sid": "sid", "client": "client_id", "sub": "sub"}


def revoke(kind: str, value: str) -> None:
    """Withdraw every token issued until now that names this jti, sid, client or sub."""
    keep = timedelta(seconds=ACCESS_TOKEN_SECONDS + CLOCK_SKEW_SECONDS)
    add(Revocation(kind=kind, value=value, expires_at=now() + keep))
    work().after_commit(_forget())


def revoke_grant(grant: AuthorizationGrant) -> None:
    """Withdraw a consent and all its tokens; a second time changes nothing."""
    ended = session().execute(
        update(AuthorizationGrant)
        .where(AuthorizationGrant.id == grant.id, AuthorizationGrant.revoked_at.is_(None))
        .values(revoked_at=now())
        .returning(AuthorizationGrant.id)
    )
    if ended.first() is not None:
        for audience in grant.access:
            revoke("sid", family(grant.id, audience))


def revoke_grants_of(*, session_id: str | None = None, person_id: str | None = None) -> None:
    """Withdraw all open grants of a person, or those of a browser session that end with it.

    Clients that listen are told.
    """
    # Also a client whose grant outlives the session learns that the session ended (Back-Channel Logout 1.0, 2.7).
    open_grants = AuthorizationGrant.revoked_at.is_(None)
    if session_id is not None:
        concerned = select(AuthorizationGrant).where(AuthorizationGrant.session_id == session_id)
        wanted = concerned.where(open_grants, bound_to_session())
    else:
        concerned = wanted = select(AuthorizationGrant).where(AuthorizationGrant.person_id == person_id, open_grants)
    backchannel.tell(session().scalars(concerned).all())
    for grant in session().scalars(wanted).all():
        revoke_grant(grant)


@dataclass(slots=True)
class RevocationList:
    """All live revocations in memory, read again when older than two seconds.

    A reader that cannot refresh raises the database's error: unknown is not valid.
    """

    until: Mapping[tuple[str, str], float] = field(default_factory=dict)
    read_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def fresh(self) -> bool:
        """Tell whether the list can be asked without the database."""
        return time.monotonic() - self.read_at <= REFRESH_SECONDS

    def names(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether a token with these claims is withdrawn."""
        if not self.fresh:
            self._refresh()
        if not self.until:
            return False
        issued = claims["iat"]
        return any(
            issued <= self.until.get((kind, claims[claim]), -1) for kind, claim in _NAMED_BY.items() if claim in claims
        )

    def _refresh(self) -> None:
        with self.lock:
            if time.monotonic() - self.read_at <= REFRESH_SECONDS:
                return
            started = time.monotonic()
            with unit_of_work(read_only=True):
                live = session().execute(
                    select(Revocation.kind, Revocation.value, func.max(Revocation.at))
                    .where(Revocation.expires_at > now())
                    .group_by(Revocation.kind, Revocation.value)
                )
                self.until = {(kind, value): at.timestamp() for kind, value, at in live}
            self.read_at = started


def revocations() -> RevocationList:
    """Return this process's list for the current app."""
    return cast(RevocationList, current_app.extensions.setdefault("identity.revocations", RevocationList()))


def _forget() -> Any:
    held = revocations()

    def effect() -> None:
        held.read_at = float("-inf")

    return effect
