"""Persons, for officials: one exact number, a reason, a line; never a list, never an internal id."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit import AuditLeaf
from app.db import UnitOfWork, session, unit_of_work
from demo import world
from identity.parties.models import Person
from identity.parties.service import register_person
from tests.api.identity.offices import Official, official

PATH = "/api/identity/admin/persons/find"


def _registered() -> tuple[Person, world.Citizen]:
    citizen = world.load().citizens[0]
    person = register_person(
        name=citizen.name, resident_id=citizen.resident_id, mobile=citizen.mobile, area="321302", source="test",
        method="test", level=4, demo_key=None,
    )  # fmt: skip
    return person, citizen


def _find(browser: FlaskClient, number: Any, *, area: str = "3213", reason: Any = "identity-check") -> Any:
    who = official("people", area=area)
    return browser.post(PATH, json={"resident_id": number, "reason": reason}, headers=who.headers())


def test_the_exact_number_finds_one_person_masked(browser: FlaskClient, work: UnitOfWork) -> None:
    person, citizen = _registered()

    found = _find(browser, citizen.resident_id)

    assert (found.status_code, found.json["name"][0], found.json["state"]) == (200, citizen.name[0], "active")
    body = found.get_data(as_text=True)
    assert not any(each in body for each in (citizen.name, citizen.resident_id, citizen.mobile, person.id))


def test_every_search_leaves_a_line_with_its_reason_and_without_the_number(clean_city: Flask) -> None:
    with clean_city.app_context(), unit_of_work():
        person, citizen = _registered()
        who = official("people")
    browser, other = clean_city.test_client(use_cookies=False), world.load().citizens[1].resident_id

    for number, reason in ((citizen.resident_id, "fraud"), (other, "complaint")):
        browser.post(PATH, json={"resident_id": number, "reason": reason}, headers=_headers(clean_city, who))

    with clean_city.app_context(), unit_of_work(read_only=True):
        lines = [line for line in session().scalars(select(AuditLeaf.body)) if b"identity.person-looked-up" in line]
    joined = b"\n".join(lines)
    assert len(lines) == 2
    assert all(each in joined for each in (b"fraud", b"complaint", b"not-found", person.id.encode()))
    assert citizen.resident_id.encode() not in joined
    assert other.encode() not in joined


def _headers(city: Flask, who: Official) -> dict[str, str]:
    with city.app_context():
        return who.headers()


def test_a_person_of_another_area_is_answered_like_nobody(browser: FlaskClient, work: UnitOfWork) -> None:
    _, citizen = _registered()

    answers = [
        _find(browser, number, area="321322").json["type"]
        for number in (citizen.resident_id, world.load().citizens[1].resident_id)
    ]

    assert answers[0] == answers[1]
    assert answers[0].endswith("/not-found")


@pytest.mark.parametrize("number", ["", "3213", "32130219", "%", "_", "3213021990010112*", 5, None, ["x"], {"$ne": 1}])
def test_no_part_or_pattern_of_a_number_finds_anybody(browser: FlaskClient, work: UnitOfWork, number: Any) -> None:
    _registered()

    assert _find(browser, number).status_code == 422


@pytest.mark.parametrize("reason", [None, "", "curious", "identity-check ", 1])
def test_a_search_without_a_known_reason_is_refused(browser: FlaskClient, work: UnitOfWork, reason: Any) -> None:
    _, citizen = _registered()

    assert _find(browser, citizen.resident_id, reason=reason).status_code == 422


def test_there_is_no_list_of_persons(browser: FlaskClient, work: UnitOfWork) -> None:
    answer = browser.get("/api/identity/admin/persons", headers=official("administrator").headers())

    assert answer.status_code == 404


def test_disabling_takes_two_persons_and_enabling_one_with_a_reason(browser: FlaskClient, work: UnitOfWork) -> None:
    person, citizen = _registered()
    first, second = official("administrator"), official("administrator")
    handle = _find(browser, citizen.resident_id).json["id"]
    form = {"act": "person.disable", "arguments": {"person": handle}, "reason": "death reported"}
    proposed = browser.post("/api/identity/admin/approvals", json=form, headers=first.headers()).json["id"]
    browser.post(f"/api/identity/admin/approvals/{proposed}/approve", headers=second.headers())
    browser.post(f"/api/identity/admin/approvals/{proposed}/execute", headers=first.headers())
    session().expire_all()
    stopped = session().get_one(Person, person.id).state

    enabled = browser.post(
        f"/api/identity/admin/persons/{handle}/enable", json={"reason": "correction"}, headers=first.headers()
    )

    session().expire_all()
    assert (stopped, enabled.status_code, session().get_one(Person, person.id).state) == ("disabled", 204, "active")


def test_duplicates_and_exports_of_another_take_two_persons(browser: FlaskClient, work: UnitOfWork) -> None:
    _, citizen = _registered()
    twin = world.load().citizens[1]
    register_person(
        name=twin.name, resident_id=twin.resident_id, mobile=citizen.mobile, area="321302", source="test",
        method="test", level=3, demo_key=None,
    )  # fmt: skip
    handle, other = (_find(browser, each.resident_id).json["id"] for each in (citizen, twin))

    assert _by_two(browser, "person.search-duplicates", handle) == {"persons": [other]}
    assert _by_two(browser, "person.export", handle)["person"]["resident_id"] == citizen.resident_id


def _by_two(browser: FlaskClient, act: str, handle: str) -> Any:
    first, second = official("administrator"), official("administrator")
    form = {"act": act, "arguments": {"person": handle}, "reason": "investigation"}
    proposed = browser.post("/api/identity/admin/approvals", json=form, headers=first.headers()).json["id"]
    browser.post(f"/api/identity/admin/approvals/{proposed}/approve", headers=second.headers())
    done = browser.post(f"/api/identity/admin/approvals/{proposed}/execute", headers=first.headers())
    return done.json["result"]
