"""Being forgotten: asked for, cooled off, done for good.

What stays is pseudonymous: audit lines and pairwise ids of a party nobody
can name any more. Rows the law keeps are named in the request.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app import audit, idempotency
from app.db import now, session
from app.errors import NotFound
from app.ids import new_id
from app.principal import principal
from identity.accounts.models import Account
from identity.authenticators.models import Authenticator
from identity.face import service as face
from identity.face.models import FaceConsent
from identity.oidc.models import AuthorizationCode, AuthorizationGrant, DecoupledRequest
from identity.oidc.revocation import revoke_grants_of
from identity.parties.models import Person
from identity.privacy import parts, ties
from identity.privacy.errors import ErasureOpen
from identity.privacy.models import DataExport, ErasureRequest
from identity.sessions.models import BrowserSession
from identity.staff.models import StaffRole

COOLING_OFF = timedelta(days=7)


def request(person_id: str) -> ErasureRequest:
    """Ask for an erasure; it is done when the cooling-off time is over. Raises `ErasureOpen`."""
    values = {
        "id": new_id("erasure"), "person_id": person_id, "asked_by": principal().actor, "state": "cooling",
        "kept": parts.kept(), "created_at": now(), "due_at": now() + COOLING_OFF,
    }  # fmt: skip
    asked = (
        session()
        .scalars(insert(ErasureRequest).values(**values).on_conflict_do_nothing().returning(ErasureRequest))
        .first()
    )
    if asked is None:
        raise ErasureOpen
    audit.record("identity.erasure-asked", subject=person_id, object=asked.id)
    return asked


def cancel(person_id: str) -> None:
    """Take a request back within its time; raises `NotFound`."""
    ended = _end(ErasureRequest.person_id == person_id, state="cancelled")
    if ended is None:
        raise NotFound
    audit.record("identity.erasure-cancelled", subject=person_id, object=ended.id)


def open_request(person_id: str) -> ErasureRequest | None:
    """Return the request that is cooling off, or None."""
    wanted = select(ErasureRequest).where(ErasureRequest.person_id == person_id, ErasureRequest.state == "cooling")
    return session().scalars(wanted).first()


def do_due() -> None:
    """Erase everybody whose cooling-off time is over; several at once never do one twice."""
    due = session().scalars(
        select(ErasureRequest.id)
        .where(ErasureRequest.state == "cooling", ErasureRequest.due_at <= now())
        .with_for_update(skip_locked=True)
        .limit(50)
    )
    for request_id in due.all():
        ended = _end(ErasureRequest.id == request_id, state="done")
        if ended is not None:
            erase(ended.person_id)


def erase(person_id: str) -> None:
    """Erase a person in identity now, and everywhere else through the outbox."""
    _end_access(person_id)
    _forget_face(person_id)
    ties.forget_for_others(person_id)
    _forget_accounts(person_id)
    _forget_person(person_id)
    idempotency.forget(person_id)
    parts.tell_all(person_id)
    audit.record("identity.person-erased", subject=person_id)


def _end(condition: Any, *, state: str) -> ErasureRequest | None:
    return (
        session()
        .scalars(
            update(ErasureRequest)
            .where(condition, ErasureRequest.state == "cooling")
            .values(state=state, ended_at=now())
            .returning(ErasureRequest)
        )
        .first()
    )


def _end_access(person_id: str) -> None:
    revoke_grants_of(person_id=person_id)
    grants = select(AuthorizationGrant.id).where(AuthorizationGrant.person_id == person_id)
    session().execute(delete(AuthorizationCode).where(AuthorizationCode.grant_id.in_(grants)))
    session().execute(
        delete(DecoupledRequest).where(
            or_(DecoupledRequest.person_id == person_id, DecoupledRequest.grant_id.in_(grants))
        )
    )
    session().execute(
        update(AuthorizationGrant).where(AuthorizationGrant.person_id == person_id).values(authorization_details=[])
    )
    session().execute(
        update(StaffRole).where(StaffRole.person_id == person_id, StaffRole.ended_at.is_(None)).values(ended_at=now())
    )


def _forget_face(person_id: str) -> None:
    session().execute(
        update(FaceConsent)
        .where(FaceConsent.person_id == person_id, FaceConsent.withdrawn_at.is_(None))
        .values(withdrawn_at=now())
    )
    face.erase(person_id)


def _forget_accounts(person_id: str) -> None:
    accounts = session().scalars(select(Account).where(Account.person_id == person_id)).all()
    ids = [account.id for account in accounts]
    ties.forget_outside(person_id, ids)
    session().execute(delete(Authenticator).where(Authenticator.account_id.in_(ids)))
    session().execute(delete(BrowserSession).where(BrowserSession.account_id.in_(ids)))
    for account in accounts:
        account.login_name, account.state = account.id, "disabled"
    session().execute(
        update(DataExport)
        .where(DataExport.person_id == person_id, DataExport.state.in_(("queued", "ready")))
        .values(state="expired", sealed=None)
    )


def _forget_person(person_id: str) -> None:
    # Random in place of the blind indexes: the same number may be registered anew, and nothing tells who this was.
    session().execute(
        update(Person)
        .where(Person.id == person_id)
        .values(
            resident_id_index=secrets.token_bytes(32), resident_id_sealed=b"", name_sealed=b"",
            mobile_index=secrets.token_bytes(32), mobile_sealed=b"", mobile_tail="", region="", area="",
            proofing_level=1, state="erased", demo_key=None,
        )
    )  # fmt: skip
