"""Enrolment by one-time code: staff make it, the terminal brings it with its key and a proof that it holds it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from joserfc.jwk import ECKey
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.db import now, session, unit_of_work
from app.errors import Conflict, InvalidRequest, NotFound
from app.identifiers import AreaCode, BadIdentifier
from app.principal import SYSTEM, acting_as, principal
from identity.devices import attestation as signals
from identity.devices import service
from identity.devices.errors import CodeRefused, PossessionUnproven
from identity.devices.models import Device, EnrolmentCode
from identity.oidc import jose
from identity.oidc.settings import CLOCK_SKEW_SECONDS, issuer
from identity.parties.models import Organisation
from identity.staff import desks

LIFETIME = timedelta(minutes=10)
PROOF_TYPE = "suxin-enrolment+jwt"
PROOF_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What staff read out to whoever stands at the terminal."""

    id: str
    code: str
    expires_at: Any


def invite(*, organisation_id: str, place: str, label: str, access: Mapping[str, list[str]], code: str) -> Invitation:
    """Make a code for a new terminal; the same code again is the same invitation.

    Raises `NotFound` for an organisation or place out of reach, `InvalidRequest` for no place.
    """
    _check_place(place)
    organisation = session().get(Organisation, organisation_id)
    desks.need_reach(service.ROLE, organisation, area=place)
    if organisation is None or organisation.state != "active":
        raise NotFound
    return _invitation(organisation_id=organisation_id, place=place, label=label, access=access, code=code)


def _check_place(place: str) -> None:
    try:
        AreaCode.parse(place)
    except BadIdentifier:
        raise InvalidRequest(errors={"json": {"place": ["a code of GB/T 2260"]}}) from None


def invite_key(device_id: str, *, code: str) -> Invitation:
    """Make a code by which a terminal brings another key; raises `NotFound`, `Conflict` for a retired one."""
    device = service.find(device_id)
    if device.state == "retired":
        raise Conflict
    return _invitation(
        organisation_id=device.organisation_id, place=device.place, label=device.label, access=device.access,
        code=code, device_id=device.id,
    )  # fmt: skip


def enrol(
    *, code: str, public_jwk: Mapping[str, Any], proof: str, attestation: Mapping[str, Any] | None = None
) -> Device:
    """Enrol the terminal that brings a code, once; its id is its client id.

    Raises `UnusableKey` and `PossessionUnproven` before the code is touched,
    `CodeRefused` for one that is unknown, used or too old. After that the
    code is spent, whatever happens.
    """
    members = service.public_p256(public_jwk)
    _check_possession(proof, ECKey.import_key(members), code)
    signal = signals.read(attestation, members)
    invited = _consume(code)
    # The code speaks for the staff who made it, whose reach was checked then.
    with acting_as(SYSTEM):
        if invited.device_id is not None:
            return service.replace_key(invited.device_id, public_jwk=members, attestation=signal)
        return service.enrol(
            organisation_id=invited.organisation_id, place=invited.place, label=invited.label,
            public_jwk=members, access=invited.access, attestation=signal,
        )  # fmt: skip


def code_hash(code: str) -> bytes:
    """Return the form in which a code is kept; blanks, hyphens and case do not count."""
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode("utf-8", "replace")).digest()


def _invitation(*, code: str, **values: Any) -> Invitation:
    made = (
        session()
        .scalars(
            insert(EnrolmentCode)
            .values(**_defaults(values), code_hash=code_hash(code))
            .on_conflict_do_nothing()
            .returning(EnrolmentCode)
        )
        .first()
    )
    if made is None:
        # The same intent again: its code is derived, so it is known.
        held = session().get_one(EnrolmentCode, code_hash(code))
        return Invitation(id=held.id, code=code, expires_at=held.expires_at)
    audit.record("identity.enrolment-code-made", object=made.id, details={"organisation": made.organisation_id})
    return Invitation(id=made.id, code=code, expires_at=made.expires_at)


def _defaults(values: dict[str, Any]) -> dict[str, Any]:
    from app.ids import new_id

    present = now()
    kept = {"id": new_id("enrolcode"), "made_by": principal().actor}
    return values | kept | {"created_at": present, "expires_at": present + LIFETIME}


def _consume(code: str) -> EnrolmentCode:
    # Committed at once: of all terminals that bring this code one enrols.
    with unit_of_work():
        taken = (
            session()
            .scalars(
                update(EnrolmentCode)
                .where(
                    EnrolmentCode.code_hash == code_hash(code),
                    EnrolmentCode.consumed_at.is_(None),
                    EnrolmentCode.expires_at > now(),
                )
                .values(consumed_at=now())
                .returning(EnrolmentCode)
            )
            .first()
        )
    if taken is None:
        raise CodeRefused
    return taken


def _check_possession(proof: str, key: ECKey, code: str) -> None:
    """Check a JWS over the code by the brought key itself (RFC 7800, 3.1: proof by signature)."""
    try:
        claims = jose.verify(proof, typ=frozenset({PROOF_TYPE}), find_key=lambda _header, _claims: key)
        if claims.get("aud") != issuer():
            raise jose.BadToken("aud must be the issuer, as a single string")
        if claims.get("code_sha256") != code_hash(code).hex():
            raise jose.BadToken("code_sha256 must be the hex SHA-256 of the code in lower case without hyphens")
        issued = jose.moment(claims, "iat")
        if issued is None or abs(time.time() - issued) > PROOF_SECONDS + CLOCK_SKEW_SECONDS:
            raise jose.BadToken("iat must be now: check the clock")
    except jose.BadToken as error:
        raise PossessionUnproven(reason=str(error)) from None
