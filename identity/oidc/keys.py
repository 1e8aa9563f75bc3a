"""The issuer's signing keys: one line for each algorithm, sealed, rotated next -> active -> retiring -> gone."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import current_app
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import select, text, update

from app import crypto
from app.db import add, now, session, unit_of_work
from identity.oidc import jose
from identity.oidc.models import SigningKey
from identity.oidc.settings import ACCESS_TOKEN_SECONDS

# ES256 signs all access tokens; RS256 only ID tokens of `baseline` clients that ask for it (FAPI 2.0 forbids it).
ALGORITHMS = (jose.ALGORITHM, jose.RS256)
_PURPOSE = "signing-key"
_PUBLISH_AHEAD = timedelta(hours=24)
# A retired key verifies on for two token lives, so a node may sign with it for some seconds more.
_REMEMBER_SECONDS = 15.0


class TooEarly(Exception):
    """The next key has not been published for a day; verifiers may not know it yet."""


@dataclass(frozen=True, slots=True)
class _Held:
    # What a test's rolled-back transaction made says nothing about another's: `where` is its connection.
    where: object
    read_at: float
    kid: str
    key: jose.Key


def active(algorithm: str = jose.ALGORITHM) -> tuple[str, jose.Key]:
    """Return the key id and private key that sign now; the first call makes them."""
    cache, where = _cache(), current_app.extensions.get("suxin.db.bind")
    held = cache.get(algorithm)
    if held is None or held.where is not where or time.monotonic() - held.read_at > _REMEMBER_SECONDS:
        kid, key = _opened(_active_row(algorithm) or _make_first(algorithm))
        held = cache[algorithm] = _Held(where, time.monotonic(), kid, key)
    return held.kid, held.key


def published() -> list[dict[str, Any]]:
    """Return the public keys of `jwks_uri`: next, active and retiring of each algorithm."""
    rows = session().scalars(select(SigningKey).where(SigningKey.state != "gone").order_by(SigningKey.created_at)).all()
    missing = set(ALGORITHMS) - {row.algorithm for row in rows}
    if missing:
        for algorithm in sorted(missing):
            _make_first(algorithm)
        return published()
    return [{**row.public_jwk, "kid": row.kid, "use": "sig", "alg": row.algorithm} for row in rows]


def rotate(algorithm: str = jose.ALGORITHM) -> str:
    """Let the next key sign, the active one retire, and publish a new next; returns the new active id.

    Raises `TooEarly` while the next key is younger than a day.
    """
    of_its_kind = (SigningKey.algorithm == algorithm, SigningKey.state == "next")
    upcoming = session().scalars(select(SigningKey).where(*of_its_kind).with_for_update()).one()
    if upcoming.created_at > now() - _PUBLISH_AHEAD:
        raise TooEarly("the next key must have been published for 24 hours")
    _move(algorithm, "retiring", "gone", older_than=timedelta(seconds=2 * ACCESS_TOKEN_SECONDS))
    _move(algorithm, "active", "retiring")
    _move(algorithm, "next", "active")
    _add_key(algorithm, "next")
    _cache().clear()
    return upcoming.kid


def rotate_all() -> list[str]:
    """Rotate the keys of every algorithm in use, all or none; returns the new active ids."""
    used = session().scalars(select(SigningKey.algorithm).distinct().order_by(SigningKey.algorithm)).all()
    return [rotate(algorithm) for algorithm in used or ALGORITHMS]


def public_key(kid: str) -> jose.Key | None:
    """Return the public key of ours that verifies under this id: the active ones and those that retire."""
    found = (
        session()
        .execute(
            select(SigningKey.algorithm, SigningKey.public_jwk).where(
                SigningKey.kid == kid, SigningKey.state.in_(("active", "retiring"))
            )
        )
        .first()
    )
    return None if found is None else imported(found.algorithm, found.public_jwk)


def imported(algorithm: str, jwk: dict[str, Any]) -> jose.Key:
    """Return a key that works with one algorithm only."""
    if algorithm == jose.ALGORITHM:
        return ECKey.import_key(jwk)
    return RSAKey.import_key({**jwk, "alg": algorithm})


def public_members(key: jose.Key) -> dict[str, Any]:
    """Return exactly the public members of a key."""
    members = key.as_dict(private=False)
    return {name: members[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in members}


def _move(algorithm: str, source: str, target: str, *, older_than: timedelta = timedelta()) -> None:
    session().execute(
        update(SigningKey)
        .where(
            SigningKey.algorithm == algorithm,
            SigningKey.state == source,
            SigningKey.changed_at <= now() - older_than,
        )
        .values(state=target, changed_at=now())
    )


def _active_row(algorithm: str) -> SigningKey | None:
    return (
        session()
        .scalars(select(SigningKey).where(SigningKey.state == "active", SigningKey.algorithm == algorithm))
        .first()
    )


def _make_first(algorithm: str) -> SigningKey:
    with unit_of_work():
        # Web nodes that start together must agree on one key.
        session().execute(text("SELECT pg_advisory_xact_lock(hashtext('identity.signing_key'))"))
        found = _active_row(algorithm)
        if found is None:
            found = _add_key(algorithm, "active")
            _add_key(algorithm, "next")
        return found


def _add_key(algorithm: str, state: str) -> SigningKey:
    key = jose.new_key() if algorithm == jose.ALGORITHM else jose.new_rsa_key()
    kid = key.thumbprint()
    raw = json.dumps(key.as_dict(private=True)).encode()
    return add(
        SigningKey(
            kid=kid,
            algorithm=algorithm,
            state=state,
            public_jwk=public_members(key),
            private_sealed=crypto.seal(raw, purpose=_PURPOSE, place=_place(kid)),
        )
    )


def _opened(row: SigningKey) -> tuple[str, jose.Key]:
    raw = crypto.open_sealed(row.private_sealed, purpose=_PURPOSE, place=_place(row.kid))
    return row.kid, imported(row.algorithm, json.loads(raw))


def _place(kid: str) -> str:
    return f"signing_key/{kid}/private"


def _cache() -> dict[str, _Held]:
    return cast(dict[str, _Held], current_app.extensions.setdefault("identity.signing_keys", {}))
