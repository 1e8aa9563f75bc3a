"""Builders: invented people of any age with numbers that check, and grounds to act for each other."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import orjson
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit import AuditLeaf
from app.db import add, now, session
from app.identifiers.credit_code import check_sign as credit_sign
from app.identifiers.resident_id import check_sign
from app.principal import Kind, Principal, acting_as
from identity.accounts.service import open_account
from identity.authenticators.password import set_password
from identity.oidc.models import Client
from identity.parties import details, mandates, relationships
from identity.parties.acting_models import Mandate, Relationship
from identity.parties.ages import today
from identity.parties.models import Organisation
from identity.parties.service import register_person
from identity.sessions.browser import OWN_PAGES
from tests.api.identity import world

ADULT = date(1985, 3, 14)
_numbers = count(secrets.randbelow(400))
CORE = ["openid", "profile", "identity:parties", "identity:proofing", "notices:read", "certificates:read"]
ACCESS = {"suxin": CORE, "health": ["health:read"]}


@dataclass(frozen=True, slots=True)
class Kin:
    """An invented person; with an account unless too young."""

    id: str
    name: str
    number: str
    login_name: str
    account_id: str

    def named(self) -> dict[str, str]:
        """Return name and number as forms ask for them."""
        return {"name": self.name, "resident_id": self.number}


def born(age: int, *, days: int = 0) -> date:
    """Return the birth date of somebody who was `age` so many days ago (negative: will be)."""
    day = today()
    leaps = (day.month, day.day) == (2, 29)
    then = date(day.year - age, 3, 1) if leaps else day.replace(year=day.year - age)
    return then - timedelta(days=days)


def number_of(birth: date) -> str:
    """Return a fresh resident number of the never-assigned area."""
    first = f"329999{birth:%Y%m%d}{next(_numbers) % 1000:03d}"
    return first + check_sign(first)


def person(name: str = "林溪", *, birth: date = ADULT, level: int = 3, account: bool = True) -> Kin:
    """Register an invented person."""
    number = number_of(birth)
    entered = register_person(
        name=name, resident_id=number, mobile=f"154{secrets.randbelow(10**8):08d}", area="321302", source="test",
        method="name-number", level=level, demo_key=None,
    )  # fmt: skip
    if not account:
        return Kin(entered.id, name, number, "", "")
    opened = open_account(login_name=f"kin-{secrets.token_hex(6)}", person_id=entered.id)
    set_password(opened, world.PASSWORD)
    return Kin(entered.id, name, number, opened.login_name, opened.id)


def guardianship(guardian: Kin, ward: Kin) -> Relationship:
    """Enter what a register confirmed."""
    return relationships.enter("guardian", actor=guardian.id, party=ward.id, evidence={"source": "test"})


def credit_code() -> str:
    """Return a fresh credit code of the never-assigned area."""
    first = f"91329999MA{secrets.randbelow(10**7):07d}"
    return first + credit_sign(first)


def organisation(representative: Kin, name: str = "溪流茶社") -> tuple[Organisation, Relationship]:
    """Enter an organisation and its legal representative."""
    found = add(Organisation(name=name, credit_code=credit_code(), area="321302"))
    return found, relationships.enter(
        "legal_representative", actor=representative.id, party=found.id, evidence={"source": "test"}
    )


def agent(representative: Kin, org: Organisation, who: Kin, **access: list[str]) -> Relationship:
    """Appoint an agent who accepts."""
    with as_(representative):
        offered = relationships.appoint(
            representative.id, org.id, name=who.name, resident_id=who.number, role="clerk",
            access=details.details_of(access or {"suxin": ["profile"]}), expires_at=in_days(30),
        )  # fmt: skip
    with as_(who):
        return relationships.accept(offered.id, agent=who.id)


def mandate(
    giver: Kin, holder: Kin, *, accepted: bool = True, purpose: str = "medicine", **access: list[str]
) -> Mandate:
    """Give a mandate, accepted unless told otherwise."""
    with as_(giver):
        given = mandates.give(
            giver.id, name=holder.name, resident_id=holder.number, purpose=purpose,
            authorization_details=details.details_of(access or {"suxin": ["profile", "notices:read"]}),
            expires_at=in_days(30),
        )  # fmt: skip
    if accepted:
        with as_(holder):
            mandates.accept(given.id, agent=holder.id)
    return given


def as_(who: Kin) -> acting_as:
    """Run a block as a person."""
    return acting_as(Principal(kind=Kind.CITIZEN, actor=who.id, party=who.id))


def in_days(days: float) -> datetime:
    """Return a moment so many days from now."""
    return now() + timedelta(days=days)


def own_pages() -> None:
    """Let the city's own pages have the scopes of these tests."""
    add(Client(id=OWN_PAGES, title_zh="网页", title_en="Pages", redirect_uris=[], access=ACCESS))


def app_client() -> str:
    """Register a public client with the scopes of these tests."""
    name = world.new_client()
    session().get_one(Client, name).access = dict(ACCESS)
    return name


def log_in(client: FlaskClient, who: Kin) -> None:
    """Log a person in."""
    assert world.log_in(client, who.login_name).status_code == 303


def csrf(client: FlaskClient) -> str:
    """Return the token of this browser's forms."""
    return world.form_token(client.get("/login").get_data(as_text=True))


def choose(client: FlaskClient, evidence: str | None) -> Any:
    """Choose for whom to act, by the chooser's form."""
    form = {"csrf_token": csrf(client), "evidence": evidence or "", "return_to": "/"}
    return client.post("/account/acting-for", data=form)


def call(client: FlaskClient, method: str, path: str, **json: Any) -> Any:
    """Call the API by cookie, as the city's own pages do."""
    headers = {"X-CSRF-Token": csrf(client)}
    return client.open(f"/api/identity{path}", method=method, json=json or None, headers=headers)


def tokens(client: FlaskClient, client_id: str, **changes: Any) -> dict[str, Any]:
    """Consent in the present capacity and redeem the code."""
    pkce = world.Pkce.fresh()
    query = world.request_of(client_id, pkce, **changes)
    page = client.get(f"/oauth2/authorize?{query}")
    if page.status_code == 200:
        text = page.get_data(as_text=True)
        acting = text.partition('name="acting" value="')[2].partition('"')[0]
        form = {"csrf_token": world.form_token(text), "request": query, "decision": "approve", "acting": acting}
        page = client.post("/oauth2/authorize", data=form)
    answer = world.redeem(client, client_id, world.code_of(page), pkce)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: dict[str, Any] = answer.json
    return body


def lines(subject: str, action: str) -> list[dict[str, Any]]:
    """Return the audit lines of one action about a party, oldest first."""
    found = session().scalars(select(AuditLeaf).where(AuditLeaf.subject == subject).order_by(AuditLeaf.id))
    return [said for leaf in found if (said := orjson.loads(leaf.body))["action"] == action]
