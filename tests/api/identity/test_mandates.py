"""Mandates are given by adults, taken by whom they name, end at once, and tell strangers nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.db import UnitOfWork, now, session, unit_of_work
from app.ids import new_id
from identity.parties import acting
from identity.parties.acting_models import Mandate
from identity.parties.models import Person
from identity.parties.service import disable_person
from tests.api.identity import kin, world
from tests.api.identity.kin import Kin

SERVICE = [{"type": "service", "locations": [world.ISSUER], "actions": ["profile"]}]


@pytest.fixture
def elder(work: UnitOfWork) -> Kin:
    return kin.person("钱初", birth=date(1949, 10, 4))


@pytest.fixture
def niece(work: UnitOfWork) -> Kin:
    return kin.person("章芸")


@pytest.fixture(autouse=True)
def _pages(work: UnitOfWork) -> None:
    kin.own_pages()


def asks(locations: list[str], *actions: str) -> dict[str, Any]:
    return {"authorization_details": [{"type": "service", "locations": locations, "actions": list(actions)}]}


def given(**changes: Any) -> dict[str, Any]:
    good = {"purpose": "medicine", "authorization_details": SERVICE, "expires_at": kin.in_days(30).isoformat()}
    return {**good, **changes}


def test_a_mandate_counts_from_acceptance_to_revocation(client: FlaskClient, elder: Kin, niece: Kin) -> None:
    kin.log_in(client, elder)
    offer = kin.call(client, "POST", "/me/mandates", **given(), **niece.named())
    assert (offer.status_code, offer.json["state"], offer.json["other"]) == (201, "offered", "")
    mandate = offer.json["id"]
    other = client.application.test_client()
    kin.log_in(other, niece)
    assert [each["evidence"] for each in kin.call(other, "GET", "/me/capacities").json["items"]] == [None]

    taken = kin.call(other, "POST", f"/me/mandates/{mandate}/accept")

    assert (taken.status_code, taken.json["state"], taken.json["other"]) == (200, "active", "钱*")
    held = kin.call(other, "GET", "/me/capacities").json["items"]
    assert [(each["kind"], each["evidence"]) for each in held] == [("self", None), ("mandate", mandate)]
    assert kin.call(client, "DELETE", f"/me/mandates/{mandate}").json["state"] == "revoked"
    assert len(kin.call(other, "GET", "/me/capacities").json["items"]) == 1
    history = kin.call(client, "GET", "/me/mandates").json["items"]
    assert [(each["role"], each["state"]) for each in history] == [("given", "revoked")]


def test_an_offer_to_somebody_unknown_is_answered_like_any_other(client: FlaskClient, elder: Kin, niece: Kin) -> None:
    kin.log_in(client, elder)
    stranger = {"name": "无人", "resident_id": kin.number_of(kin.ADULT)}

    known = kin.call(client, "POST", "/me/mandates", **given(), **niece.named())
    unknown = kin.call(client, "POST", "/me/mandates", **given(), **stranger)

    assert (known.status_code, unknown.status_code) == (201, 201)
    apart = ("id", "created_at", "expires_at")
    assert {k: v for k, v in known.json.items() if k not in apart} == {
        k: v for k, v in unknown.json.items() if k not in apart
    }


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"authorization_details": []}, 422),
        (asks(["https://evil.test"], "profile"), 422),
        (asks([world.ISSUER], "identity:parties"), 422),
        (asks([world.ISSUER], "identity:face"), 422),
        (asks([world.ISSUER], "openid"), 422),
        (asks([world.ISSUER], "health:read"), 422),
        (asks([world.HEALTH], "everything"), 422),
        (asks([], "profile"), 422),
        ({"authorization_details": [{"type": "all", "locations": [world.ISSUER], "actions": ["profile"]}]}, 422),
        ({"authorization_details": [SERVICE[0] | {"more": 1}]}, 422),
        ({"authorization_details": "everything"}, 422),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"expires_at": "2199-01-01T00:00:00Z"}, 422),
        ({"expires_at": "never"}, 422),
        ({"purpose": ""}, 422),
        ({"purpose": "Gesundheit und alles"}, 422),
        ({"resident_id": "329999198503140000"}, 422),
        ({"resident_id": "1"}, 422),
    ],
)  # fmt: skip
def test_what_cannot_be_given_is_refused(
    client: FlaskClient, elder: Kin, niece: Kin, changes: dict[str, Any], status: int
) -> None:
    kin.log_in(client, elder)

    answer = kin.call(client, "POST", "/me/mandates", **{**given(), **niece.named(), **changes})

    assert answer.status_code == status, answer.get_data(as_text=True)
    assert niece.number not in answer.get_data(as_text=True)


def test_nobody_gives_a_mandate_to_oneself_or_twice(client: FlaskClient, elder: Kin, niece: Kin) -> None:
    kin.log_in(client, elder)

    assert kin.call(client, "POST", "/me/mandates", **given(), **elder.named()).json["type"].endswith("/oneself-only")
    assert kin.call(client, "POST", "/me/mandates", **given(), **niece.named()).status_code == 201
    assert kin.call(client, "POST", "/me/mandates", **given(), **niece.named()).status_code == 409


@pytest.mark.parametrize(
    ("who", "problem"),
    [
        ({"birth": kin.born(16)}, "adults-only"),
        ({"birth": kin.born(18, days=-40)}, "adults-only"),
        ({"level": 2}, "insufficient-assurance"),
    ],
)
def test_minors_and_unproven_people_neither_give_nor_take(
    client: FlaskClient, elder: Kin, who: dict[str, Any], problem: str
) -> None:
    with unit_of_work():
        unfit = kin.person("苏宁", **who)
        offered = kin.mandate(elder, unfit, accepted=False)
    kin.log_in(client, unfit)

    gives = kin.call(client, "POST", "/me/mandates", **given(), **elder.named())
    takes = kin.call(client, "POST", f"/me/mandates/{offered.id}/accept")

    assert gives.json["type"].endswith(problem)
    assert takes.json["type"].endswith(problem)


def test_strangers_get_the_answer_for_what_does_not_exist(client: FlaskClient, elder: Kin, niece: Kin) -> None:
    with unit_of_work():
        offered, active = (
            kin.mandate(elder, niece, accepted=accepted, purpose=purpose)
            for accepted, purpose in ((False, "one"), (True, "two"))
        )
        stranger = kin.person("路人")
    kin.log_in(client, stranger)

    for method, tail in (("POST", "/accept"), ("POST", "/refuse"), ("DELETE", "")):
        nothing = kin.call(client, method, f"/me/mandates/{new_id('mandate')}{tail}")
        for mandate in (offered, active):
            answer = kin.call(client, method, f"/me/mandates/{mandate.id}{tail}")
            assert answer.status_code == nothing.status_code == 404
            assert _same(answer.json) == _same(nothing.json)
    assert kin.call(client, "GET", "/me/mandates").json == {"items": []}


def _same(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}


def test_the_giver_cannot_accept_for_the_holder(client: FlaskClient, elder: Kin, niece: Kin) -> None:
    with unit_of_work():
        offered = kin.mandate(elder, niece, accepted=False)
    kin.log_in(client, elder)

    assert kin.call(client, "POST", f"/me/mandates/{offered.id}/accept").status_code == 404


def _expire(mandate: str) -> None:
    past = now() - timedelta(seconds=1)
    session().execute(
        update(Mandate).where(Mandate.id == mandate).values(expires_at=past, created_at=past - timedelta(days=1))
    )


def _revoke(mandate: str) -> None:
    session().execute(update(Mandate).where(Mandate.id == mandate).values(state="revoked"))


def _unprove_holder(mandate: str) -> None:
    holder = session().get_one(Mandate, mandate).agent_id
    session().execute(update(Person).where(Person.id == holder).values(proofing_level=2))


def _stop_giver(mandate: str) -> None:
    disable_person(session().get_one(Mandate, mandate).principal_id)


def _stop_holder(mandate: str) -> None:
    disable_person(session().get_one(Mandate, mandate).agent_id or "")


@pytest.mark.parametrize("ended", [_expire, _revoke, _unprove_holder, _stop_giver, _stop_holder])
def test_a_mandate_that_has_ended_lets_nobody_act(work: UnitOfWork, elder: Kin, niece: Kin, ended: Any) -> None:
    mandate = kin.mandate(elder, niece)
    asked = {"actor": niece.id, "party": elder.id, "evidence": mandate.id}
    assert acting.still_holds(**asked) is not None

    ended(mandate.id)
    session().expire_all()

    assert acting.still_holds(**asked) is None


def test_evidence_counts_for_its_own_two_parties_only(work: UnitOfWork, elder: Kin, niece: Kin) -> None:
    mandate, other = kin.mandate(elder, niece), kin.person("路人")

    for actor, party in ((niece.id, other.id), (other.id, elder.id), (elder.id, niece.id), (niece.id, niece.id)):
        assert acting.still_holds(actor=actor, party=party, evidence=mandate.id) is None
    for evidence in (None, "", new_id("mandate"), new_id("relation"), "mandate_", elder.id):
        assert acting.still_holds(actor=niece.id, party=elder.id, evidence=evidence) is None


def test_mandates_both_ways_give_each_no_more_than_each_was_given(work: UnitOfWork, elder: Kin, niece: Kin) -> None:
    kin.mandate(elder, niece)
    kin.mandate(niece, elder)
    third = kin.person("路人")
    kin.mandate(third, elder)

    assert {each.party for each in acting.capacities(niece.id)} == {niece.id, elder.id}
    assert {each.party for each in acting.capacities(elder.id)} == {elder.id, niece.id, third.id}


def test_expiry_frees_the_way_for_a_new_mandate(work: UnitOfWork, elder: Kin, niece: Kin) -> None:
    _expire(kin.mandate(elder, niece).id)
    session().expire_all()

    assert kin.mandate(elder, niece).state == "active"
