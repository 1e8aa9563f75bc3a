"""Every kind of caller at every route of administration and privacy, and every stranger's object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import UnitOfWork, add, session
from app.guards import access_of
from identity.devices.models import Device
from identity.handles import handle_of
from identity.oidc.models import Client
from identity.parties.models import Organisation, Person
from identity.staff.models import Approval, StaffRole
from tests.api.identity.offices import CITY, Official, browser_of, client_form, cookies, give, office, official
from tests.api.identity.world import bearer, new_citizen, new_client, new_terminal, own_pages, terminal_token

ADMINISTRATION = ("identity_clients", "identity_devices", "identity_staff", "identity_admin")
PUBLIC = ("POST", "/api/identity/devices/enrolments")
# Which desk opens which routes, besides the administrator's.
DESKS = {
    "clients": "/api/identity/admin/clients",
    "devices": "/api/identity/admin/device",
    "people": "/api/identity/admin/persons",
}
NOBODYS = "nothing_00000000000000000000000000"


def _routes(app: Flask, blueprints: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in blueprints:
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                path = rule.rule
                for argument in rule.arguments:
                    path = path.replace(f"<{argument}>", NOBODYS)
                yield method, path


def _call(browser: FlaskClient, method: str, path: str, headers: dict[str, str]) -> int:
    answer = browser.open(path, method=method, headers=headers, json={} if method in ("POST", "PATCH") else None)
    return answer.status_code


def _administration(app: Flask) -> list[tuple[str, str]]:
    return [route for route in _routes(app, ADMINISTRATION) if route != PUBLIC]


def test_every_administration_route_asks_for_an_official_with_two_factors(app: Flask) -> None:
    declared = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in ADMINISTRATION and rule.rule != PUBLIC[1]:
            for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
                access = access_of(app.view_functions[rule.endpoint], method)
                assert access is not None
                declared.append((access.scopes, access.kinds, access.authentication_level))

    assert len(declared) >= 30
    assert set(declared) == {(("identity:admin",), ("official",), 2)}


def test_strangers_to_administration_are_turned_away_everywhere(
    app: Flask, browser: FlaskClient, work: UnitOfWork
) -> None:
    own_pages()
    terminal = new_terminal()
    actors: dict[str, tuple[dict[str, str], int]] = {
        "nobody": ({}, 401),
        "bad token": (bearer("a.b.c"), 401),
        "citizen": (cookies(browser_of(new_citizen(), level=1)[0]), 403),
        "citizen with two factors": (cookies(browser_of(new_citizen())[0]), 403),
        "official of one factor": (official("administrator", level=1).headers(), 403),
        "terminal": (bearer(terminal_token(app.test_client(), terminal)), 403),
        "terminal of another audience": (
            bearer(terminal_token(app.test_client(), terminal, resource="http://city.test/api/health")), 401,
        ),
    }  # fmt: skip

    wrong = [
        (actor, method, path, status)
        for actor, (headers, expected) in actors.items()
        for method, path in _administration(app)
        if (status := _call(browser, method, path, headers)) != expected
    ]

    assert wrong == []


@pytest.mark.parametrize("role", ["clients", "devices", "people", "window", "administrator"])
def test_each_desk_opens_its_own_routes_only(app: Flask, browser: FlaskClient, work: UnitOfWork, role: str) -> None:
    who = official(role)
    wrong = []

    for method, path in _administration(app):
        status = _call(browser, method, path, who.headers())
        # Proposals of one's own may be listed by everybody; what is not there is not there for everybody.
        everybodys = path.startswith("/api/identity/admin/approvals")
        opened = role == "administrator" or path.startswith(DESKS.get(role, "/nowhere"))
        malformed = status in (400, 422)
        if not (everybodys or malformed or (status != 403) == opened):
            wrong.append((method, path, status))

    assert wrong == []


def test_a_form_of_another_site_changes_nothing(app: Flask, browser: FlaskClient, work: UnitOfWork) -> None:
    who = official("administrator")
    bare = {"Cookie": who.headers()["Cookie"], "Idempotency-Key": "k"}

    answers = {
        _call(browser, method, path, bare)
        for method, path in _administration(app)
        if method in ("POST", "PATCH", "DELETE")
    }

    assert answers == {403}


# Object swaps: two organisations, each id wherever it travels.


def _world(employer: Organisation) -> dict[str, str]:
    device = add(
        Device(organisation_id=employer.id, place=employer.area, label="x", public_jwk={}, access={},
               thumbprint=handle_of(employer.id)[:43])
    )  # fmt: skip
    app_id = new_client()
    session().get_one(Client, app_id).organisation_id = employer.id
    person = new_citizen()
    session().get_one(Person, person.person_id).area = employer.area
    role = give(person, employer, "window", area=employer.area)
    session().flush()
    return {
        "client_id": app_id, "device_id": device.id, "handle": handle_of(person.person_id), "role_id": role,
        "approval_id": NOBODYS, "kid": "k1",
    }  # fmt: skip


def test_anothers_object_is_answered_like_none_at_all(app: Flask, browser: FlaskClient, work: UnitOfWork) -> None:
    one, other = office("321302"), office("321322")
    theirs = _world(other)
    actors = {
        role: official(role, organisation=one, area="321302")
        for role in ("clients", "devices", "people", "administrator")
    }
    leaks, tried = [], 0

    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] not in ADMINISTRATION or not rule.arguments:
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            for role, who in actors.items():
                seen = [_full(browser, method, rule.rule, ids, who) for ids in (theirs, {})]
                tried += 1
                if seen[0] != seen[1]:
                    leaks.append((role, method, rule.rule, seen))

    assert leaks == []
    assert tried >= 80


def _full(browser: FlaskClient, method: str, rule: str, ids: dict[str, str], who: Official) -> tuple[int, str]:
    path = rule
    for name in ("client_id", "device_id", "handle", "role_id", "approval_id", "kid"):
        path = path.replace(f"<{name}>", ids.get(name, NOBODYS))
    form: dict[str, Any] = {"label": "y"} if "devices" in rule else {"title_zh": "改"}
    if path.endswith("/enable") and "persons" in rule:
        form = {"reason": "complaint"}
    if path.endswith("/keys"):
        form = {"kid": "k", "jwk": {}}
    answer = browser.open(
        path, method=method, headers=who.headers(), json=form if method in ("POST", "PATCH") else None
    )
    return answer.status_code, (answer.json or {}).get("type", "")


def test_control_ones_own_objects_are_reached(browser: FlaskClient, work: UnitOfWork) -> None:
    one = office("321302")
    own = _world(one)
    seen = {
        role: browser.get(path, headers=official(role, organisation=one, area="321302").headers()).status_code
        for role, path in {
            "clients": f"/api/identity/admin/clients/{own['client_id']}",
            "devices": f"/api/identity/admin/devices/{own['device_id']}",
            "people": f"/api/identity/admin/persons/{own['handle']}",
        }.items()
    }

    assert seen == {"clients": 200, "devices": 200, "people": 200}


def test_lists_show_ones_own_reach_only(browser: FlaskClient, work: UnitOfWork) -> None:
    one, other = office("321302"), office("321322")
    own, theirs = _world(one), _world(other)
    free = new_client()

    def ids(role: str, path: str, area: str) -> set[str]:
        who = official(role, organisation=one, area=area)
        answer = browser.get(f"/api/identity/admin/{path}?limit=100", headers=who.headers())
        return {each["id"] for each in answer.json["items"]}

    assert ids("clients", "clients", "321302") == {own["client_id"]}
    assert ids("devices", "devices", "321302") == {own["device_id"]}
    assert ids("administrator", "clients", "321302") == {own["client_id"]}
    assert {own["client_id"], theirs["client_id"], free} <= ids("administrator", "clients", CITY)
    assert theirs["role_id"] not in ids("administrator", "staff-roles", "321302")


@pytest.mark.parametrize("path", ["clients", "devices", "staff-roles", "approvals"])
@pytest.mark.parametrize("query", ["cursor=forged", "limit=0", "limit=101", "limit=x"])
def test_bad_paging_is_refused(browser: FlaskClient, work: UnitOfWork, path: str, query: str) -> None:
    answer = browser.get(f"/api/identity/admin/{path}?{query}", headers=official("administrator").headers())

    assert answer.status_code in (400, 422)


# Mass assignment: every usual name into every write.

SMUGGLED = {
    "id": "client_x", "client_id": "x", "state": "active", "secret_hash": "x", "registration_hash": "x",
    "organisation_id": "org_x", "created_at": "2020-01-01T00:00:00Z", "is_admin": True, "person_id": "person_x",
    "given_by": "x", "valid_from": "2020-01-01T00:00:00Z", "ended_at": None, "made_by": "x", "public_jwk": {},
    "thumbprint": "x", "attestation": {}, "last_seen_at": None, "approved": True, "device_id": "terminal_x",
    "expires_at": "2099-01-01T00:00:00Z", "consumed_at": None, "code": "AAAA", "decided_by": "x",
}  # fmt: skip


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_member_that_is_not_offered_is_refused(browser: FlaskClient, work: UnitOfWork, name: str) -> None:
    employer = office("321302")
    own = _world(employer)
    who = official("administrator")
    role = {"person": handle_of(new_citizen().person_id), "organisation": employer.credit_code, "role": "window",
            "area": "321302"}  # fmt: skip
    code = {"organisation": employer.credit_code, "place": "321302", "label": "x",
            "access": {"suxin": ["presence:verify"]}}  # fmt: skip
    writes = [
        ("POST", "clients", client_form(employer)),
        ("PATCH", f"clients/{own['client_id']}", {"title_en": "New"}),
        ("POST", "device-codes", code),
        ("PATCH", f"devices/{own['device_id']}", {"label": "New"}),
        ("POST", "staff-roles", role),
    ]

    answers = {
        browser.open(
            f"/api/identity/admin/{path}", method=method, json={**form, name: SMUGGLED[name]}, headers=who.headers()
        ).status_code
        for method, path, form in writes
    }

    assert answers == {422}


@pytest.mark.parametrize("name", ["profile", "auth_method", "id_token_alg", "sector", "organisation"])
def test_what_a_client_is_does_not_change_after_entry(browser: FlaskClient, work: UnitOfWork, name: str) -> None:
    own = _world(office("321302"))
    answer = browser.patch(
        f"/api/identity/admin/clients/{own['client_id']}",
        json={name: "baseline"},
        headers=official("administrator").headers(),
    )

    assert answer.status_code == 422


def test_a_proposal_of_another_is_hidden_from_who_may_not_decide_it(browser: FlaskClient, work: UnitOfWork) -> None:
    theirs = official("administrator", area="321322", organisation=office("321322"))
    mine = official("administrator", area="321302", organisation=office("321302"))
    victim = new_citizen()
    session().get_one(Person, victim.person_id).area = "321322"
    session().flush()
    form = {"act": "person.disable", "arguments": {"person": handle_of(victim.person_id)}, "reason": "stolen"}
    proposed = browser.post("/api/identity/admin/approvals", json=form, headers=theirs.headers()).json["id"]

    answers = [
        browser.get(f"/api/identity/admin/approvals/{proposed}", headers=mine.headers()).status_code,
        browser.post(f"/api/identity/admin/approvals/{proposed}/approve", headers=mine.headers()).status_code,
    ]

    assert answers == [404, 404]
    assert session().get_one(Approval, proposed, populate_existing=True).state == "proposed"
    assert session().query(StaffRole).filter_by(person_id=victim.person_id).count() == 0
