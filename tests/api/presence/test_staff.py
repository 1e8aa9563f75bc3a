"""The staff's check needs two officials, each alone, at this terminal, for this purpose, within ten minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.db import now, session, unit_of_work
from app.principal import Kind, Principal
from identity.attestations.models import PresenceAttestation
from identity.attestations.ports import DeskAttesters
from tests.api.presence.builders import PURPOSE, RESIDENT_ID, Terminal, citizen

DESKS = (("dept_1", "presence-check", "321302"),)


@pytest.fixture
def person(work):
    return citizen()


@pytest.fixture
def official(sign_in):
    def make(name: str, **changes: Any) -> dict[str, str]:
        who = {"scopes": ["presence:attest"], "desks": DESKS, "authentication_level": 2, **changes}
        return dict(sign_in(kind=Kind.OFFICIAL, actor=name, **who))

    return make


def attest(client, counter: Terminal, headers: dict[str, str], **changes: str) -> int:
    form = {"terminal": counter.id, "purpose": PURPOSE, "resident_id": RESIDENT_ID, "document": "resident_card"}
    return int(client.post("/api/identity/attestations", json={**form, **changes}, headers=headers).status_code)


def show(client, counter: Terminal, number: str = RESIDENT_ID) -> dict[str, Any]:
    opened = counter.open(client)
    body = {"method": "staff", "claim": {"resident_id": number}}
    answer = client.post(f"/api/presence/sessions/{opened['id']}/evidence", json=body, headers=counter.headers)
    return dict(answer.get_json())


def test_two_officials_prove_a_person_once(counter, person, client, official) -> None:
    assert [attest(client, counter, official(name)) for name in ("official_1", "official_2")] == [201, 201]

    first, again = show(client, counter), show(client, counter)

    assert (first["decision"], first["proof"]["level"]) == ("matched", "staff")
    assert first["alternatives"] == ["face", "code", "card"]
    assert (again["decision"], again["reason"]) == ("retry", "attestation_missing")


def test_one_official_twice_is_still_one(counter, person, client, official) -> None:
    for _ in range(2):
        attest(client, counter, official("official_1"))

    assert show(client, counter)["reason"] == "attestation_missing"

    attest(client, counter, official("official_2"))
    assert show(client, counter)["decision"] == "matched"


@pytest.mark.parametrize(
    "changes",
    [{"purpose": "health:other"}, {"resident_id": "329999197603090080"}],
    ids=["other purpose", "other person"],
)
def test_attestations_of_something_else_do_not_add_up(counter, person, client, official, changes) -> None:
    attest(client, counter, official("official_1"))
    attest(client, counter, official("official_2"), **changes)

    assert show(client, counter)["reason"] == "attestation_missing"


def test_an_attestation_older_than_ten_minutes_is_none(counter, person, client, official) -> None:
    for name in ("official_1", "official_2"):
        attest(client, counter, official(name))
    with unit_of_work():
        session().execute(update(PresenceAttestation).values(made_at=now() - timedelta(minutes=11)))

    assert show(client, counter)["reason"] == "attestation_missing"


def test_two_attestations_of_an_unknown_number_match_nobody(counter, person, client, official) -> None:
    for name in ("official_1", "official_2"):
        attest(client, counter, official(name), resident_id="329999197603090080")

    assert show(client, counter, "329999197603090080")["decision"] == "not_matched"


@pytest.mark.parametrize(
    "changes",
    [
        {"desks": ()},
        {"desks": (("dept_1", "321302", "window"),)},
        {"desks": (("dept_1", "presence-check", "321311"),)},
        {"scopes": []},
        {"authentication_level": 1},
    ],
    ids=["no desk", "other role", "other district", "no scope", "one factor"],
)
def test_an_official_without_the_right_may_not_attest(counter, person, client, official, changes) -> None:
    assert attest(client, counter, official("official_1", **changes)) == 403


@pytest.mark.parametrize(
    ("area", "place", "may"),
    [
        ("321300", "321302", True),
        ("320000", "321302", True),
        ("321302", "321302", True),
        ("321302001000", "321302001005", True),
        ("321302", "321311", False),
        ("321302001000", "321302002000", False),
    ],
)
def test_a_desk_covers_its_area_and_what_lies_in_it(area, place, may) -> None:
    who = Principal(kind=Kind.OFFICIAL, actor="official_1", desks=(("dept", "presence-check", area),))

    assert DeskAttesters().may_attest(who, place=place) is may
