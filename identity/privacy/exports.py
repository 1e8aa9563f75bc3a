"""All we hold about one person, as JSON: made by a job, sealed, fetched once, then gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app import audit, crypto
from app.db import now, session, unit_of_work
from app.errors import NotFound
from app.ids import new_id
from app.outbox import enqueue
from app.people import people
from app.principal import principal
from identity import activity
from identity.accounts.models import Account
from identity.authenticators.models import Authenticator
from identity.parties.models import ProofingEvent
from identity.privacy import consents, parts
from identity.privacy.errors import ExportOpen
from identity.privacy.models import DataExport
from identity.sessions.models import BrowserSession
from identity.staff.models import StaffRole

LIFETIME = timedelta(days=3)
_PURPOSE = "data-export"


def ask(person_id: str) -> DataExport:
    """Queue an export; raises `ExportOpen` while another one is open."""
    values = {
        "id": new_id("export"), "person_id": person_id, "asked_by": principal().actor, "state": "queued",
        "created_at": now(), "expires_at": now() + LIFETIME,
    }  # fmt: skip
    expire()
    asked = (
        session().scalars(insert(DataExport).values(**values).on_conflict_do_nothing().returning(DataExport)).first()
    )
    if asked is None:
        raise ExportOpen
    audit.record("identity.export-asked", subject=person_id, object=asked.id)
    enqueue("identity.make_export", export=asked.id)
    return asked


def make(export: str) -> None:
    """Gather and seal what was asked for; a second time changes nothing."""
    waiting = session().get(DataExport, export)
    if waiting is None or waiting.state != "queued" or waiting.expires_at <= now():
        return
    body = orjson.dumps(of_person(waiting.person_id), option=orjson.OPT_INDENT_2)
    sealed = crypto.seal(body, purpose=_PURPOSE, place=_place(export))
    session().execute(
        update(DataExport)
        .where(DataExport.id == export, DataExport.state == "queued")
        .values(state="ready", sealed=sealed)
    )


def fetch(person_id: str, export_id: str) -> bytes:
    """Return an export, once; nothing of it is left here afterwards.

    Raises `NotFound` for another's, one fetched before, too old or not ready.
    """
    waiting = session().get(DataExport, export_id, populate_existing=True)
    if waiting is None or waiting.person_id != person_id or waiting.sealed is None:
        raise NotFound
    # Committed at once: of all who fetch at this moment one gets it.
    with unit_of_work():
        taken = session().execute(
            update(DataExport)
            .where(DataExport.id == export_id, DataExport.state == "ready", DataExport.expires_at > now())
            .values(state="fetched", sealed=None, fetched_at=now())
            .returning(DataExport.id)
        )
        if taken.first() is None:
            raise NotFound
        audit.record("identity.export-fetched", subject=person_id, object=export_id)
    return crypto.open_sealed(waiting.sealed, purpose=_PURPOSE, place=_place(export_id))


def of_own(person_id: str) -> list[DataExport]:
    """Return a person's exports, newest first."""
    wanted = (
        select(DataExport).where(DataExport.person_id == person_id).order_by(DataExport.created_at.desc()).limit(20)
    )
    return list(session().scalars(wanted))


def expire() -> None:
    """Throw away what nobody fetched in time."""
    session().execute(
        update(DataExport)
        .where(DataExport.state.in_(("queued", "ready")), DataExport.expires_at <= now())
        .values(state="expired", sealed=None)
    )


def of_person(person_id: str) -> dict[str, Any]:
    """Return all we hold about a person as JSON values; raises `NotFound`. Leaves an audit line."""
    profile = people.only().profile(person_id)
    if profile is None:
        raise NotFound
    audit.record("identity.data-exported", subject=person_id)
    return {
        "made_at": now().isoformat(),
        "person": {
            "name": profile.name, "resident_id": profile.resident_id, "mobile": profile.mobile, "area": profile.area,
            "birth_date": profile.birth_date.isoformat(), "proofing_level": profile.proofing_level,
        },
        "proofing": _rows(ProofingEvent, ProofingEvent.person_id == person_id, "source", "method", "level", "at"),
        "accounts": _rows(Account, Account.person_id == person_id, "login_name", "state", "created_at"),
        "authenticators": _rows(Authenticator, _of_account(Authenticator, person_id), "kind", "changed_at"),
        "sessions": _rows(BrowserSession, _of_account(BrowserSession, person_id), "authenticated_at", "ended_at"),
        "posts": _rows(StaffRole, StaffRole.person_id == person_id, "role", "area", "valid_from", "ended_at"),
        "consents": [_consent(each) for each in consents.of(person_id)],
        "uses": activity.everything(person_id),
        **parts.exported(person_id),
    }  # fmt: skip


def _of_account(model: Any, person_id: str) -> Any:
    return model.account_id.in_(select(Account.id).where(Account.person_id == person_id))


def _rows(model: Any, condition: Any, *columns: str) -> list[dict[str, Any]]:
    return [
        {name: _plain(getattr(row, name)) for name in columns}
        for row in session().scalars(select(model).where(condition))
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _consent(each: consents.Consent) -> dict[str, Any]:
    return {
        "app": each.title_en, "organisation": each.organisation, "active": each.active, "access": each.access,
        "since": each.since.isoformat(), "last_used_at": each.last_used_at.isoformat(),
    }  # fmt: skip


def _place(export_id: str) -> str:
    return f"data_export/{export_id}/sealed"
