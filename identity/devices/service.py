"""Enrol and suspend terminals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy import select, update

from app import audit
from app.db import add, session
from app.errors import Conflict, DomainError, NotFound
from app.text import Text
from identity.devices.models import Device
from identity.oidc.keys import public_members
from identity.oidc.revocation import revoke
from identity.parties.models import Organisation


class UnusableKey(DomainError):
    status = 422
    title = Text("终端公钥不可用", "The terminal's key cannot be used")
    next_step = Text("请提供 P-256 公钥 JWK", "Give a public P-256 key as JWK")


def enrol(
    *,
    organisation_id: str,
    place: str,
    label: str,
    public_jwk: Mapping[str, Any],
    access: Mapping[str, list[str]],
    demo_key_sealed: bytes | None = None,
    device_id: str | None = None,
) -> Device:
    """Enrol a terminal with the public half of the key it holds.

    Raises `NotFound` for an unknown organisation, `UnusableKey`, and
    `Conflict` when another terminal holds the same key.
    """
    if session().get(Organisation, organisation_id) is None:
        raise NotFound
    members = _public_p256(public_jwk)
    thumbprint = ECKey.import_key(members).thumbprint()
    if session().scalar(select(Device.id).where(Device.thumbprint == thumbprint)) is not None:
        raise Conflict
    device = add(
        Device(
            **({"id": device_id} if device_id else {}),
            organisation_id=organisation_id,
            place=place,
            label=label,
            public_jwk=members,
            thumbprint=thumbprint,
            access={audience: list(scopes) for audience, scopes in access.items()},
            demo_key_sealed=demo_key_sealed,
        )
    )
    audit.record("identity.terminal-enrolled", object=device.id)
    return device


def suspend(device_id: str) -> None:
    """Stop a terminal: no new tokens, and the ones it holds die at once."""
    _move(device_id, "active", "suspended")
    revoke("client", device_id)
    audit.record("identity.terminal-suspended", object=device_id)


def resume(device_id: str) -> None:
    """Let a suspended terminal work again."""
    _move(device_id, "suspended", "active")
    audit.record("identity.terminal-resumed", object=device_id)


def _move(device_id: str, source: str, target: str) -> None:
    moved = session().execute(
        update(Device).where(Device.id == device_id, Device.state == source).values(state=target).returning(Device.id)
    )
    if moved.first() is None:
        raise Conflict


def _public_p256(jwk: Mapping[str, Any]) -> dict[str, Any]:
    try:
        if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk:
            raise UnusableKey
        return public_members(ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
    except (JoseError, KeyError, ValueError, TypeError):
        raise UnusableKey from None
