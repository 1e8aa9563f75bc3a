"""The issuer's signing keys: made once, sealed, rotated next -> active -> retiring -> gone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from flask import current_app
from joserfc.jwk import ECKey
from sqlalchemy import select, text, update

from app import crypto
from app.db import add, now, session, unit_of_work
from identity.oidc import jose
from identity.oidc.models import SigningKey
from identity.oidc.settings import ACCESS_TOKEN_SECONDS

_PURPOSE = "signing-key"
_PUBLISH_AHEAD = timedelta(hours=24)


class TooEarly(Exception):
    """The next key has not been published for a day; verifiers may not know it yet."""


def active() -> tuple[str, ECKey]:
    """Return the key id and private key that sign now; the first call makes them."""
    found = _active_row() or _make_first()
    opened = _cache()
    if found.kid not in opened:
        raw = crypto.open_sealed(found.private_sealed, purpose=_PURPOSE, place=_place(found.kid))
        opened[found.kid] = ECKey.import_key(json.loads(raw))
    return found.kid, opened[found.kid]


def published() -> list[dict[str, Any]]:
    """Return the public keys of `jwks_uri`: next, active and retiring."""
    rows = session().scalars(select(SigningKey).where(SigningKey.state != "gone").order_by(SigningKey.created_at)).all()
    if not rows:
        _make_first()
        return published()
    return [{**row.public_jwk, "kid": row.kid, "use": "sig", "alg": row.algorithm} for row in rows]


def rotate(*, early: bool = False) -> str:
    """Let the next key sign, the active one retire, and publish a new next; returns the new active id.

    Raises `TooEarly` while the next key is younger than a day, unless two
    persons decided not to wait.
    """
    upcoming = session().scalars(select(SigningKey).where(SigningKey.state == "next").with_for_update()).one()
    if not early and upcoming.created_at > now() - _PUBLISH_AHEAD:
        raise TooEarly("the next key must have been published for 24 hours")
    _move("retiring", "gone", older_than=timedelta(seconds=2 * ACCESS_TOKEN_SECONDS))
    _move("active", "retiring")
    _move("next", "active")
    _add_key("next")
    return upcoming.kid


def _move(source: str, target: str, *, older_than: timedelta = timedelta()) -> None:
    session().execute(
        update(SigningKey)
        .where(SigningKey.state == source, SigningKey.changed_at <= now() - older_than)
        .values(state=target, changed_at=now())
    )


def _active_row() -> SigningKey | None:
    return session().scalars(select(SigningKey).where(SigningKey.state == "active")).first()


def _make_first() -> SigningKey:
    with unit_of_work():
        # Web nodes that start together must agree on one key.
        session().execute(text("SELECT pg_advisory_xact_lock(hashtext('identity.signing_key'))"))
        found = _active_row()
        if found is None:
            found = _add_key("active")
            _add_key("next")
        return found


def _add_key(state: str) -> SigningKey:
    key = jose.new_key()
    kid = key.thumbprint()
    raw = json.dumps(key.as_dict(private=True)).encode()
    return add(
        SigningKey(
            kid=kid,
            algorithm=jose.ALGORITHM,
            state=state,
            public_jwk=public_members(key),
            private_sealed=crypto.seal(raw, purpose=_PURPOSE, place=_place(kid)),
        )
    )


def public_members(key: ECKey) -> dict[str, Any]:
    """Return exactly the public members of a P-256 key."""
    members = key.as_dict(private=False)
    return {name: members[name] for name in ("kty", "crv", "x", "y")}


def _place(kid: str) -> str:
    return f"signing_key/{kid}/private"


def _cache() -> dict[str, ECKey]:
    cache: dict[str, ECKey] = current_app.extensions.setdefault("identity.signing_keys", {})
    return cache
