"""Guardians, legal representatives, agents and window staff: each ground alone, with its own end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.db import UnitOfWork, now, session, unit_of_work
from app.errors import NotFound
from app.ids import new_id
from app.notices import service as notices
from identity.parties import acting, assistance, details, ending, relationships
from identity.parties.acting import CapacityKind
from identity.parties.acting_models import Assistance, Relationship
from identity.parties.errors import AlreadyGiven, CannotBeGiven, NotStaff, OneselfOnly, Settled
from identity.parties.models import Person
from identity.parties.service import disable_person
from identity.parties.staff import staff_roles
from tests.api.identity import kin
from tests.api.identity.kin import Kin
from tests.api.identity.world import ISSUER


@pytest.fixture
def su(work: UnitOfWork) -> Kin:
    return kin.person("苏荷")


@pytest.fixture
def pan(work: UnitOfWork) -> Kin:
    return kin.person("潘岭")


@pytest.fixture(autouse=True)
def _pages(work: UnitOfWork) -> None:
    kin.own_pages()


def holds(row: Relationship | Assistance | Any, actor: Kin, party: str) -> bool:
    session().expire_all()
    return acting.still_holds(actor=actor.id, party=party, evidence=row.id) is not None


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        (kin.born(6), (True, False)),
        (kin.born(14, days=-1), (True, False)),
        (kin.born(14, days=1), (True, True)),
        (kin.born(18, days=-1), (True, True)),
        (kin.born(18, days=1), (False, False)),
        (kin.born(40), (False, False)),
    ],
)
def test_a_guardian_acts_until_the_ward_is_of_age(
    work: UnitOfWork, su: Kin, birth: date, expected: tuple[bool, bool]
) -> None:
    ward = kin.person("苏晓", birth=birth, account=False)
    kin.guardianship(su, ward)

    found = [each for each in acting.capacities(su.id) if each.kind is CapacityKind.GUARDIAN]

    assert (bool(found), any(each.supervised for each in found)) == expected


@pytest.mark.parametrize("age", [6, 16])
def test_minors_act_for_nobody(work: UnitOfWork, su: Kin, age: int) -> None:
    minor, baby = kin.person("苏宁", birth=kin.born(age)), kin.person("苏小", birth=kin.born(1), account=False)
    row = kin.guardianship(minor, baby)

    assert not holds(row, minor, baby.id)


def _dispute(row: Relationship) -> None:
    relationships.suspend(row.id)


def _end(row: Relationship) -> None:
    relationships.end(row.id, because="court")


def _stop_ward(row: Relationship) -> None:
    disable_person(row.party_id)


def _stop_guardian(row: Relationship) -> None:
    disable_person(row.actor_id or "")


def _run_out(row: Relationship) -> None:
    past = now() - timedelta(seconds=1)
    values = {"valid_until": past, "valid_from": past - timedelta(days=1)}
    session().execute(update(Relationship).where(Relationship.id == row.id).values(**values))


def _not_yet(row: Relationship) -> None:
    session().execute(update(Relationship).where(Relationship.id == row.id).values(valid_from=kin.in_days(1)))


def _fall(row: Relationship) -> None:
    session().execute(update(Person).where(Person.id == row.actor_id).values(proofing_level=2))


@pytest.mark.parametrize("ends", [_dispute, _end, _stop_ward, _stop_guardian, _run_out, _not_yet, _fall])
def test_a_guardianship_out_of_force_lets_nobody_act(work: UnitOfWork, su: Kin, ends: Any) -> None:
    ward = kin.person("苏晓", birth=kin.born(6), account=False)
    row = kin.guardianship(su, ward)
    assert holds(row, su, ward.id)

    ends(row)

    assert not holds(row, su, ward.id)


def test_a_settled_dispute_lets_the_guardian_act_again(work: UnitOfWork, su: Kin) -> None:
    ward = kin.person("苏晓", birth=kin.born(6), account=False)
    row = kin.guardianship(su, ward)
    relationships.suspend(row.id)
    with pytest.raises(Settled):
        relationships.suspend(row.id)

    relationships.settle(row.id)

    assert holds(row, su, ward.id)


def test_a_ward_disputes_the_own_guardian_and_nobody_elses(client: FlaskClient, su: Kin) -> None:
    with unit_of_work():
        teen, other = kin.person("苏宁", birth=kin.born(15)), kin.person("苏静", birth=kin.born(15))
        row, foreign = kin.guardianship(su, teen), kin.guardianship(su, other)
    kin.log_in(client, teen)

    assert kin.call(client, "POST", f"/me/guardians/{foreign.id}/dispute").status_code == 404
    assert kin.call(client, "POST", f"/me/guardians/{new_id('relation')}/dispute").status_code == 404
    assert kin.call(client, "POST", f"/me/guardians/{row.id}/dispute").status_code == 204

    assert kin.call(client, "GET", "/me/guardians").json["items"][0]["state"] == "disputed"
    with unit_of_work():
        assert [each.party for each in acting.capacities(su.id)] == [su.id, other.id]


@pytest.mark.parametrize("twice", ["same", "oneself"])
def test_relationships_do_not_overlap(work: UnitOfWork, su: Kin, twice: str) -> None:
    ward = kin.person("苏晓", birth=kin.born(6), account=False)
    kin.guardianship(su, ward)

    with pytest.raises(AlreadyGiven if twice == "same" else OneselfOnly):
        kin.guardianship(su, ward if twice == "same" else su)


def test_an_organisation_has_one_legal_representative(work: UnitOfWork, su: Kin, pan: Kin) -> None:
    org, _ = kin.organisation(su)

    with pytest.raises(AlreadyGiven):
        relationships.enter("legal_representative", actor=pan.id, party=org.id, evidence={})


def test_an_agent_acts_within_the_role_until_dismissed(client: FlaskClient, su: Kin, pan: Kin) -> None:
    with unit_of_work():
        _org, ground = kin.organisation(su)
    kin.log_in(client, su)
    asked = {"authorization_details": details_of(client), "role": "clerk", "expires_at": kin.in_days(9).isoformat()}
    offer = kin.call(client, "POST", f"/me/organisations/{ground.id}/agents", **asked, **pan.named())
    assert (offer.status_code, offer.json["name"], offer.json["state"]) == (201, "", "offered")
    other = client.application.test_client()
    kin.log_in(other, pan)
    assert kin.call(other, "POST", f"/me/appointments/{offer.json['id']}/accept").status_code == 204
    assert kin.choose(other, offer.json["id"]).status_code == 303

    agents = kin.call(client, "GET", f"/me/organisations/{ground.id}/agents").json["items"]
    assert [(each["name"], each["state"]) for each in agents] == [("潘*", "active")]
    path = f"/me/organisations/{ground.id}/agents/{offer.json['id']}"
    assert kin.call(client, "DELETE", path).status_code == 204

    assert other.get("/api/identity/me").status_code == 401
    with unit_of_work():
        assert [each.kind for each in acting.capacities(pan.id)] == [CapacityKind.SELF]


def details_of(client: FlaskClient) -> list[dict[str, Any]]:
    with client.application.app_context():
        return details.details_of({"suxin": ["profile"]})


def test_only_the_legal_representative_sees_appoints_and_dismisses(client: FlaskClient, su: Kin, pan: Kin) -> None:
    with unit_of_work():
        org, ground = kin.organisation(su)
        agent = kin.agent(su, org, pan)
        stranger = kin.person("路人")
    asked = {"authorization_details": details_of(client), "role": "clerk", "expires_at": kin.in_days(9).isoformat()}
    for who in (pan, stranger):
        other = client.application.test_client()
        kin.log_in(other, who)
        for method, path, body in (
            ("GET", "/agents", {}),
            ("POST", "/agents", {**asked, **stranger.named()}),
            ("DELETE", f"/agents/{agent.id}", {}),
        ):
            answer = kin.call(other, method, f"/me/organisations/{ground.id}{path}", **body)
            nothing = kin.call(other, method, f"/me/organisations/{new_id('relation')}{path}", **body)
            assert answer.status_code == nothing.status_code == 404, (who.name, method)


def test_agents_fall_with_the_representative_who_appointed_them(work: UnitOfWork, su: Kin, pan: Kin) -> None:
    org, ground = kin.organisation(su)
    agent = kin.agent(su, org, pan)
    assert holds(agent, pan, org.id)

    relationships.end(ground.id, because="register")

    assert not holds(agent, pan, org.id)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"expires_at": kin.in_days(-1)}, CannotBeGiven),
        ({"expires_at": kin.in_days(4000)}, CannotBeGiven),
        ({"access": []}, CannotBeGiven),
        ({"access": [{"type": "service", "locations": [ISSUER], "actions": ["identity:parties"]}]}, CannotBeGiven),
        ({"to": "oneself"}, OneselfOnly),
        ({"organisation": "org_unknown"}, NotFound),
    ],
)  # fmt: skip
def test_what_cannot_be_appointed_is_refused(
    work: UnitOfWork, su: Kin, pan: Kin, changes: dict[str, Any], error: type[Exception]
) -> None:
    org, _ = kin.organisation(su)
    who = su if changes.pop("to", None) else pan
    asked: dict[str, Any] = {
        "name": who.name, "resident_id": who.number, "role": "clerk", "expires_at": kin.in_days(5),
        "access": details.details_of({"suxin": ["profile"]}),
    }  # fmt: skip

    with pytest.raises(error):
        relationships.appoint(su.id, changes.pop("organisation", org.id), **{**asked, **changes})


def test_an_appointment_is_taken_by_whom_it_names_only(client: FlaskClient, su: Kin, pan: Kin) -> None:
    with unit_of_work():
        org, _ = kin.organisation(su)
        with kin.as_(su):
            offer = relationships.appoint(
                su.id, org.id, **pan.named(), role="clerk", access=details_of(client), expires_at=kin.in_days(3)
            )
        stranger = kin.person("路人")
    for who in (stranger, su):
        other = client.application.test_client()
        kin.log_in(other, who)
        for answer in ("accept", "refuse", "resign"):
            assert kin.call(other, "POST", f"/me/appointments/{offer.id}/{answer}").status_code == 404


@pytest.fixture
def window(app: Flask) -> Iterator[set[tuple[str, str, str]]]:
    """Roles of window staff, as whoever administers them would say."""
    roles: set[tuple[str, str, str]] = set()

    class Roles:
        def holds(self, person_id: str, role: str, place: str) -> bool:
            return (person_id, role, place) in roles

    staff_roles.bind(app, "test", Roles())
    yield roles
    app.extensions["suxin.ports"][staff_roles.name].pop("test")


def test_staff_acts_with_a_reason_and_the_person_gets_a_receipt(
    work: UnitOfWork, window: set[tuple[str, str, str]], su: Kin, pan: Kin
) -> None:
    window.add((pan.id, "window", "321302"))
    with kin.as_(pan):
        begun = assistance.begin(pan.id, place="321302", reason="no-device", **su.named())
    work.commit()

    assert holds(begun, pan, su.id)
    [receipt] = notices.inbox(party=su.id, language="en", cursor=None, limit=9).items
    assert "has no smartphone" in receipt.body
    [line] = kin.lines(su.id, "identity.assistance-begun")
    assert (line["actor"], line["object"], line["details"]["reason"]) == (pan.id, begun.id, "no-device")


def test_staff_stops_with_the_role_and_when_either_says_so(
    work: UnitOfWork, window: set[tuple[str, str, str]], su: Kin, pan: Kin
) -> None:
    window.add((pan.id, "window", "321302"))
    begun = assistance.begin(pan.id, place="321302", reason="at-window", **su.named())
    window.clear()
    assert not holds(begun, pan, su.id)
    window.add((pan.id, "window", "321302"))
    assert holds(begun, pan, su.id)

    with pytest.raises(NotFound):
        assistance.finish(begun.id, by=kin.person("路人").id)
    assistance.finish(begun.id, by=su.id)

    assert not holds(begun, pan, su.id)
    again = assistance.begin(pan.id, place="321302", reason="at-window", **su.named())
    ending.end_assistances(pan.id)
    assert not holds(again, pan, su.id)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"reason": "curiosity"}, CannotBeGiven),
        ({"name": "别人"}, NotFound),
        ({"resident_id": kin.number_of(date(1970, 1, 2))}, NotFound),
        ({"place": "321311"}, NotStaff),
    ],
)
def test_staff_cannot_act_without_role_reason_or_person(
    window: set[tuple[str, str, str]], su: Kin, pan: Kin, asked: dict[str, str], error: Any
) -> None:
    window.add((pan.id, "window", "321302"))

    with pytest.raises(error):
        assistance.begin(pan.id, **{"place": "321302", "reason": "at-window", **su.named(), **asked})
    with pytest.raises(OneselfOnly):
        assistance.begin(pan.id, place="321302", reason="at-window", **pan.named())


def test_where_nobody_administers_roles_nobody_is_staff(work: UnitOfWork, su: Kin, pan: Kin) -> None:
    with pytest.raises(NotStaff):
        assistance.begin(pan.id, place="321302", reason="at-window", **su.named())
