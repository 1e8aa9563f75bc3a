"""Issue certificates, tell their state, list a card pack, suspend and revoke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.certificates import signing
from app.certificates.models import STATES, Certificate
from app.certificates.types import CertificateType, known
from app.crypto import open_sealed, seal
from app.db import now, session
from app.errors import Conflict, NotFound
from app.ids import new_id
from app.paging import Page, page
from app.principal import CORE_AUDIENCE
from app.subjects import directory
from app.text import Text

PURPOSE = "certificate"


class NoSuchCertificate(NotFound):
    title = Text("没有这张证照", "There is no such certificate")


class AlreadyRevoked(Conflict):
    title = Text("证照已注销", "The certificate is revoked")
    next_step = Text("注销不可恢复，请重新申领", "A revocation is final: apply for a new certificate")


class SourceTaken(Conflict):
    """One source states one thing about one holder."""

    title = Text("该来源已为他人签发证照", "Another holder has a certificate from this source")


class UnknownCertificateType(LookupError):
    """A plugin issues a type that it does not declare."""


class ClaimsRefused(ValueError):
    """Claims do not fit their type's schema; the message names the places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A certificate as its holder sees it."""

    id: str
    type: str
    title: str
    issuer: str
    state: str
    claims: dict[str, Any]
    signature: str
    issued_at: datetime
    expires_at: datetime


def issue(*, type: str, holder: str, claims: Mapping[str, Any], source: str) -> str:
    """Issue a certificate and return its id; the same type and source again returns the same one.

    Raises `UnknownCertificateType`, `ClaimsRefused`, and `SourceTaken` when
    the source has already led to a certificate of somebody else.
    """
    declared = known(type)
    if declared is None:
        raise UnknownCertificateType(type)
    wrong = declared.problems(claims)
    if wrong:
        raise ClaimsRefused(f"{type}: {', '.join(wrong)}")
    return _held(type, holder, source) or _issued(declared, holder, claims, source)


def _held(type: str, holder: str, source: str) -> str | None:
    query = select(Certificate.id, Certificate.holder).where(Certificate.type == type, Certificate.source == source)
    found = session().execute(query).first()
    if found is not None and found.holder != holder:
        raise SourceTaken()
    return None if found is None else str(found.id)


def _issued(declared: CertificateType, holder: str, claims: Mapping[str, Any], source: str) -> str:
    certificate_id, at = new_id("certificate"), now()
    expires_at = at + timedelta(days=declared.validity_days)
    digest = signing.claims_hash(claims)
    statement = {
        # The card leaves the city with its signature, and a party id never does.
        "id": certificate_id, "type": declared.name, "holder": directory.only().subject_of(holder, CORE_AUDIENCE),
        "claims_sha256": digest.hex(), "issued_at": at.isoformat(), "expires_at": expires_at.isoformat(),
    }  # fmt: skip
    sealed = seal(signing.canonical(claims), purpose=PURPOSE, place=_place(certificate_id))
    row = {
        "id": certificate_id, "type": declared.name, "holder": holder, "source": source, "version": 1,
        "state": "valid", "claims_sealed": sealed, "claims_hash": digest, "signature": signing.sign(statement),
        "issued_at": at, "expires_at": expires_at, "state_changed_at": at,
    }  # fmt: skip
    # Two deliveries of one event may come here together: the second waits and finds the first one's.
    if session().scalar(insert(Certificate).values(row).on_conflict_do_nothing().returning(Certificate.id)) is None:
        return str(_held(declared.name, holder, source))
    audit.record("certificate.issued", subject=holder, object=certificate_id)
    return certificate_id


def state_of(certificate_id: str) -> Certificate:
    """Return a certificate for the sake of its state; raises `NoSuchCertificate`."""
    found = session().get(Certificate, certificate_id)
    if found is None:
        raise NoSuchCertificate()
    return found


def card(certificate_id: str, *, holder: str, language: str) -> Card:
    """Return a holder's own certificate with its claims; raises `NoSuchCertificate`."""
    found = session().get(Certificate, certificate_id)
    if found is None or found.holder != holder:
        raise NoSuchCertificate()
    return _card(found, language)


def card_pack(*, holder: str, language: str, cursor: str | None = None, limit: int = 20) -> Page[Card]:
    """Return a page of a holder's certificates, newest first."""
    query = select(Certificate).where(Certificate.holder == holder)
    found = page(query, key=(Certificate.issued_at, Certificate.id), cursor=cursor, limit=limit)
    return Page([_card(each, language) for each in found.items], found.next_cursor)


def change_state(certificate_id: str, state: str) -> None:
    """Suspend, restore or revoke; the same state again changes nothing.

    Raises `AlreadyRevoked`: a revocation is final.
    """
    if state not in STATES:
        raise ValueError(state)
    # Locked, so that a revocation that commits meanwhile is seen and stays.
    found = session().get(Certificate, certificate_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NoSuchCertificate()
    if found.state == state:
        return
    if found.state == "revoked":
        raise AlreadyRevoked()
    found.state, found.state_changed_at = state, now()
    audit.record(f"certificate.{state}", subject=found.holder, object=certificate_id)


def _card(found: Certificate, language: str) -> Card:
    declared = known(found.type)
    claims = orjson.loads(open_sealed(found.claims_sealed, purpose=PURPOSE, place=_place(found.id)))
    return Card(
        id=found.id,
        type=found.type,
        title=declared.title.to(language) if declared else found.type,
        issuer=declared.issuer.to(language) if declared else "",
        state="expired" if found.state == "valid" and found.expires_at <= now() else found.state,
        claims=claims,
        signature=found.signature,
        issued_at=found.issued_at,
        expires_at=found.expires_at,
    )


def _place(certificate_id: str) -> str:
    return f"certificate/{certificate_id}/claims"
