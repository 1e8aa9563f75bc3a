"""Enrol, suspend, resume and retire terminals; replace their keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy import select, update

from app import audit, paging
from app.db import add, now, session
from app.errors import Conflict, DomainError, NotFound
from app.text import Text
from identity.devices.models import Device
from identity.oidc.keys import public_members
from identity.oidc.revocation import revoke
from identity.parties.models import Organisation
from identity.staff import desks

ROLE = "devices"
_SEEN_EVERY = timedelta(minutes=1)


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
    attestation: Mapping[str, Any] | None = None,
    demo_key_sealed: bytes | None = None,
    device_id: str | None = None,
) -> Device:
    """Enrol a terminal with the public half of the key it holds.

    Raises `NotFound` for an unknown or stopped organisation, `UnusableKey`,
    and `Conflict` when another terminal holds the same key.
    """
    organisation = session().get(Organisation, organisation_id)
    if organisation is None or organisation.state != "active":
        raise NotFound
    members = public_p256(public_jwk)
    device = add(
        Device(
            **({"id": device_id} if device_id else {}),
            organisation_id=organisation_id,
            place=place,
            label=label,
            public_jwk=members,
            thumbprint=_unheld(members),
            access={audience: list(scopes) for audience, scopes in access.items()},
            attestation=dict(attestation) if attestation else None,
            demo_key_sealed=demo_key_sealed,
        )
    )
    audit.record("identity.terminal-enrolled", object=device.id)
    return device


def replace_key(device_id: str, *, public_jwk: Mapping[str, Any], attestation: Mapping[str, Any] | None) -> Device:
    """Give a terminal another key; tokens of the old one die at once. Raises as `enrol` does."""
    device = session().get(Device, device_id)
    if device is None or device.state == "retired":
        raise NotFound
    members = public_p256(public_jwk)
    device.thumbprint, device.public_jwk = _unheld(members), members
    device.attestation = dict(attestation) if attestation else None
    device.demo_key_sealed = None
    revoke("client", device_id)
    audit.record("identity.terminal-key-replaced", object=device_id)
    session().flush()
    return device


def find(device_id: str) -> Device:
    """Return a terminal within the caller's reach; raises `NotFound`."""
    found = session().get(Device, device_id)
    desks.need_reach(ROLE, session().get(Organisation, found.organisation_id) if found else None, area=_place(found))
    if found is None:
        raise NotFound
    return found


def listed(*, cursor: str | None, limit: int) -> paging.Page[Device]:
    """Return one page of the terminals within the caller's reach."""
    query = (
        select(Device)
        .join(Organisation, Organisation.id == Device.organisation_id)
        .where(desks.reached(ROLE, area=Device.place))
    )
    return paging.page(query, key=(Device.created_at, Device.id), cursor=cursor, limit=limit)


def relabel(device_id: str, *, label: str) -> Device:
    """Change what people call a terminal; raises `NotFound`."""
    device = find(device_id)
    device.label = label
    audit.record("identity.terminal-changed", object=device_id)
    return device


def suspend(device_id: str) -> None:
    """Stop a terminal: no new tokens, and the ones it holds die at once; raises `NotFound`, `Conflict`."""
    _move(device_id, ("active",), "suspended")
    revoke("client", device_id)
    audit.record("identity.terminal-suspended", object=device_id)


def resume(device_id: str) -> None:
    """Let a suspended terminal work again; raises `NotFound`, `Conflict`."""
    _move(device_id, ("suspended",), "active")
    audit.record("identity.terminal-resumed", object=device_id)


def retire(device_id: str) -> None:
    """Stop a terminal for good; raises `NotFound`, `Conflict`."""
    _move(device_id, ("active", "suspended"), "retired")
    revoke("client", device_id)
    audit.record("identity.terminal-retired", object=device_id)


def seen(device: Device) -> None:
    """Remember that a terminal was at work, to the minute."""
    if device.last_seen_at is None or device.last_seen_at < now() - _SEEN_EVERY:
        session().execute(update(Device).where(Device.id == device.id).values(last_seen_at=now()))


def public_p256(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """Return exactly the public members of a P-256 key; raises `UnusableKey`."""
    try:
        if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk:
            raise UnusableKey
        return public_members(ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
    except (JoseError, KeyError, ValueError, TypeError):
        raise UnusableKey from None


def _move(device_id: str, sources: tuple[str, ...], target: str) -> None:
    find(device_id)
    moved = session().execute(
        update(Device)
        .where(Device.id == device_id, Device.state.in_(sources))
        .values(state=target)
        .returning(Device.id)
    )
    if moved.first() is None:
        raise Conflict


def _unheld(members: Mapping[str, Any]) -> str:
    thumbprint = ECKey.import_key(dict(members)).thumbprint()
    if session().scalar(select(Device.id).where(Device.thumbprint == thumbprint)) is not None:
        raise Conflict
    return thumbprint


def _place(device: Device | None) -> str | None:
    return device.place if device else None
