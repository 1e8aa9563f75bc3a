"""Builders: organisations, officials at their desks, and what their browsers send."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.db import add, session
from identity.accounts.models import Account
from identity.oidc.models import Client
from identity.parties.models import Organisation
from identity.sessions import service as sessions
from identity.sessions.browser import STAFF_PAGES
from identity.sessions.models import BrowserSession
from identity.staff.guard import SCOPE
from identity.staff.models import StaffRole
from tests.api.identity.world import Citizen, new_citizen

CITY = "3213"


@dataclass(frozen=True, slots=True)
class Official:
    """A person who acts for an organisation in one browser session."""

    citizen: Citizen
    organisation: Organisation
    secret: str
    session_id: str

    def headers(self, key: str | None = None) -> dict[str, str]:
        """Return what the official's browser sends: cookie, form token, a fresh or given idempotency key."""
        return {
            "Cookie": f"suxin-session={self.secret}",
            "X-CSRF-Token": sessions.form_token(self.secret),
            "Idempotency-Key": key or secrets.token_hex(8),
        }


def office(area: str = "321302", name: str = "市政务办") -> Organisation:
    """Register an organisation."""
    return add(Organisation(name=name, credit_code=secrets.token_hex(9), area=area))


def official(
    *roles: str,
    organisation: Organisation | None = None,
    area: str = CITY,
    level: int = 2,
    citizen: Citizen | None = None,
    until: datetime | None = None,
) -> Official:
    """Seat a person at desks of an organisation and let a browser session of theirs act there."""
    person, employer = citizen or new_citizen(), organisation or office()
    for role in roles:
        give(person, employer, role, area=area, until=until)
    staff_pages()
    secret, session_id = browser_of(person, level=level, staff_of=employer.id)
    return Official(person, employer, secret, session_id)


def give(person: Citizen, employer: Organisation, role: str, *, area: str = CITY, until: datetime | None = None) -> str:
    """Give one post."""
    held = StaffRole(
        person_id=person.person_id, organisation_id=employer.id, role=role, area=area, valid_until=until,
        given_by="system",
    )  # fmt: skip
    return add(held).id


def browser_of(person: Citizen, *, level: int = 2, staff_of: str | None = None) -> tuple[str, str]:
    """Begin a browser session at a level; returns its cookie's value and its id."""
    secret = sessions.begin(session().get_one(Account, person.account_id), authentication_level=level)
    begun = session().scalars(
        select(BrowserSession).where(BrowserSession.secret_hash == hashlib.sha256(secret.encode()).digest())
    )
    row = begun.one()
    row.staff_of = staff_of
    session().flush()
    return secret, row.id


def cookies(secret: str) -> dict[str, str]:
    """Return what a citizen's browser sends."""
    return {
        "Cookie": f"suxin-session={secret}",
        "X-CSRF-Token": sessions.form_token(secret),
        "Idempotency-Key": secrets.token_hex(8),
    }


def staff_pages() -> None:
    """Let the officials' own pages administer."""
    if session().get(Client, STAFF_PAGES) is None:
        add(Client(id=STAFF_PAGES, title_zh="办公", title_en="Staff", redirect_uris=[], access={"suxin": [SCOPE]}))


def client_form(organisation: Organisation | None = None, **changes: Any) -> dict[str, Any]:
    """Return a good form for a new client, changed; None removes a member."""
    good: dict[str, Any] = {
        "title_zh": "应用", "title_en": "An app", "redirect_uris": ["https://app.example/callback"],
        "access": {"suxin": ["openid", "profile"]},
        "organisation": organisation.credit_code if organisation else None,
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not None}
