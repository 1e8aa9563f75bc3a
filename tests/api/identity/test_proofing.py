"""Levels rise by what registers confirm, fall by what they deny, and stay as they are while registers are down."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.db import UnitOfWork, session, unit_of_work
from app.errors import Conflict
from identity.oidc import jose
from identity.parties import acting, people
from identity.parties.acting_models import Relationship
from identity.parties.models import NetworkIdentity, Person, ProofingEvent
from identity.parties.service import disable_person
from identity.proofing import claims, service
from identity.proofing.errors import ProvenElsewhere, RegisterUnavailable
from identity.proofing.terms import Verdict
from tests.api.identity import kin, world
from tests.api.identity.kin import Kin
from tests.api.identity.registers import Registers


@pytest.fixture
def stated(work: UnitOfWork, registers: Registers) -> Kin:
    """A person who only said who they are, and says the truth."""
    kin.own_pages()
    who = kin.person("江晚", level=2)
    registers.born(who.name, who.number)
    return who


def card(who: Kin, **changes: str) -> dict[str, str]:
    return {"serial": f"SN{who.number[-6:]}", "valid_until": "2040-01-01", **changes}


def ticket(who: Kin, tail: str = "a") -> dict[str, str]:
    return {"ticket": f"ticket-{who.number[-6:]}-{tail}{id(who)}"}


def level(who: Kin) -> int:
    with unit_of_work():
        return session().get_one(Person, who.id).proofing_level


def test_levels_rise_step_by_step_and_reach_the_acr(client: FlaskClient, stated: Kin) -> None:
    with unit_of_work():
        app_client = kin.app_client()
    kin.log_in(client, stated)
    start = kin.call(client, "GET", "/me/proofing").json
    assert (start["level"], start["acr"]) == (2, "ial2")
    assert {way["level"] for way in start["ways"]} == {3, 4, 5}

    matched = kin.call(client, "POST", "/me/proofing/matches").json
    shown = kin.call(client, "POST", "/me/proofing/documents", **card(stated)).json

    assert (matched["level"], shown["level"]) == (3, 4)
    assert [(each["method"], each["outcome"]) for each in shown["events"]] == [
        ("name-number-document", "raised"), ("name-number", "raised"), ("name-number", "raised"),
    ]  # fmt: skip
    claims_of = jose.peek(kin.tokens(client, app_client)["access_token"])[1]
    assert claims_of["acr"] == "ial4.aal1"


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("documents", {"serial": "SN000000", "valid_until": "2040-01-01"}, "not-matched"),
        ("documents", {"serial": "own", "valid_until": "2020-01-01"}, "document-expired"),
        ("network-identity", {"ticket": "ticket-000000-nobodys"}, "ticket-not-usable"),
        ("network-identity", {"ticket": "no ticket at all"}, "ticket-not-usable"),
    ],
)
def test_what_does_not_match_raises_nothing_and_is_on_record(
    client: FlaskClient, stated: Kin, path: str, body: dict[str, str], problem: str
) -> None:
    kin.log_in(client, stated)
    asked = card(stated, valid_until=body["valid_until"]) if body.get("serial") == "own" else body

    answer = kin.call(client, "POST", f"/me/proofing/{path}", **asked)

    assert answer.json["type"].endswith(problem), answer.json
    assert level(stated) == 2
    with unit_of_work():
        refused = kin.lines(stated.id, "identity.proofing-refused")
    assert len(refused) == (0 if problem == "document-expired" else 1)


def test_a_wrong_name_is_not_matched(client: FlaskClient, stated: Kin, registers: Registers) -> None:
    registers.tell("population", "change", number=stated.number, what="renamed", name="江早")
    kin.log_in(client, stated)

    assert kin.call(client, "POST", "/me/proofing/matches").json["type"].endswith("/not-matched")


@pytest.mark.parametrize("fault", ["down", "hang", "lose", "garble", "lie"])
def test_a_register_that_is_down_is_said_so_and_changes_nothing(
    client: FlaskClient, stated: Kin, registers: Registers, fault: str
) -> None:
    kin.log_in(client, stated)
    registers.spoil("population", fault, seconds=3)

    answer = kin.call(client, "POST", "/me/proofing/matches")

    assert (answer.status_code, answer.json["register"]) == (503, "population")
    assert answer.headers["Retry-After"] == "30"
    assert level(stated) == 2
    assert kin.call(client, "POST", "/me/proofing/matches").json["level"] == 3


def test_without_any_register_the_other_ways_stay_named(
    client: FlaskClient, stated: Kin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUXIN_IDENTITY_POPULATION_SOCKET", "")
    kin.log_in(client, stated)

    assert kin.call(client, "POST", "/me/proofing/matches").status_code == 503
    assert {way["method"] for way in kin.call(client, "GET", "/me/proofing").json["ways"]} >= {"in-person"}


def test_a_network_identity_is_kept_sealed_and_used_only_while_wished(
    client: FlaskClient, registers: Registers
) -> None:
    from demo import world as invented

    citizen = invented.load().citizen("su")
    with unit_of_work():
        kin.own_pages()
        who = _demo_person(citizen)
    kin.log_in(client, who)

    used = kin.call(client, "POST", "/me/proofing/network-identity", **ticket(who))
    again = kin.call(client, "POST", "/me/proofing/network-identity", **ticket(who))

    assert (used.json["level"], used.json["network_identity"]) == (4, True)
    assert again.json["type"].endswith("/ticket-not-usable")
    with unit_of_work():
        [held] = session().scalars(select(NetworkIdentity)).all()
        assert citizen.resident_id.encode() not in held.identifier_sealed + held.identifier_index
    assert kin.call(client, "DELETE", "/me/proofing/network-identity").status_code == 204
    assert kin.call(client, "DELETE", "/me/proofing/network-identity").status_code == 404
    assert kin.call(client, "GET", "/me/proofing").json["network_identity"] is False
    assert level(who) == 4


def _demo_person(citizen: Any, *, proofing: int = 2) -> Kin:
    from identity.accounts.service import open_account
    from identity.authenticators.password import set_password
    from identity.parties.service import register_person

    entered = register_person(
        name=citizen.name, resident_id=citizen.resident_id, mobile=citizen.mobile, area="321302", source="test",
        method="self-stated", level=proofing, demo_key=None,
    )  # fmt: skip
    account = open_account(login_name=f"demo-{citizen.key}", person_id=entered.id)
    set_password(account, world.PASSWORD)
    return Kin(entered.id, citizen.name, citizen.resident_id, account.login_name, account.id)


@pytest.mark.parametrize("guarded", [True, False])
def test_a_minor_uses_the_network_identity_under_supervision(
    client: FlaskClient, registers: Registers, guarded: bool
) -> None:
    from demo import families

    ward = families.load().ward("suning")
    with unit_of_work():
        kin.own_pages()
        minor, mother = _demo_person(ward), kin.person("苏荷")
        if guarded:
            kin.guardianship(mother, minor)
    kin.log_in(client, minor)

    answer = kin.call(client, "POST", "/me/proofing/network-identity", **ticket(minor, tail=f"m{guarded}"))

    assert answer.status_code == (200 if guarded else 403), answer.json
    if not guarded:
        assert answer.json["type"].endswith("/guardian-must-act")


def test_a_number_is_one_persons_and_a_better_proof_takes_it_over(work: UnitOfWork, registers: Registers) -> None:
    squatter = kin.person("江晚", level=2)
    registers.born(squatter.name, squatter.number)
    owner = _same_number(squatter)
    service.match(squatter.id)
    with pytest.raises(ProvenElsewhere):
        service.match(owner.id)

    from datetime import date

    from identity.proofing.terms import Document

    assert service.show_document(owner.id, Document(f"SN{owner.number[-6:]}", date(2040, 1, 1))) == 4

    session().expire_all()
    assert session().get_one(Person, squatter.id).proofing_level == 2
    assert session().get_one(Person, squatter.id).resident_id_index is None
    assert kin.lines(squatter.id, "identity.proofing-fell") == []  # written with the commit
    work.commit()
    with unit_of_work():
        [fell] = kin.lines(squatter.id, "identity.proofing-fell")
    assert fell["details"] == {"because": "taken_over"}


def _same_number(who: Kin) -> Kin:
    from identity.parties.service import register_person

    entered = register_person(
        name=who.name, resident_id=who.number, mobile="15400000001", area="321302", source="self",
        method="self-stated", level=2, demo_key=None,
    )  # fmt: skip
    return Kin(entered.id, who.name, who.number, "", "")


def test_a_stopped_person_does_not_come_back_by_proving_again(work: UnitOfWork, registers: Registers) -> None:
    stopped = kin.person("江晚")
    registers.born(stopped.name, stopped.number)
    disable_person(stopped.id)
    again = _same_number(stopped)

    with pytest.raises(ProvenElsewhere):
        service.match(again.id)


def test_a_proven_number_is_entered_once(work: UnitOfWork) -> None:
    from identity.parties.service import register_person

    who = kin.person("江晚")

    with pytest.raises(Conflict):
        register_person(
            name="江晚", resident_id=who.number, mobile="15400000001", area="321302", source="x", method="x", level=3,
            demo_key=None,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "verdict", "state"),
    [
        ({"what": "died"}, Verdict.DECEASED, "disabled"),
        ({"what": "renamed", "name": "江早"}, Verdict.NOT_MATCHED, "active"),
        ({}, Verdict.MATCHED, "active"),
    ],
)
def test_the_level_falls_when_the_register_says_so_and_tokens_with_it(
    client: FlaskClient, registers: Registers, change: dict[str, str], verdict: Verdict, state: str
) -> None:
    with unit_of_work():
        kin.own_pages()
        who, niece, app_client = kin.person("江晚", level=4), kin.person("章芸"), kin.app_client()
        mandate = kin.mandate(who, niece)
    registers.born(who.name, who.number)
    kin.log_in(client, who)
    token = world.bearer(kin.tokens(client, app_client)["access_token"])
    if change:
        registers.tell("population", "change", number=who.number, **change)

    with unit_of_work():
        assert service.recheck(who.id) is verdict

    stranger = client.application.test_client()
    assert stranger.get("/api/identity/me", headers=token).status_code == (401 if change else 200)
    with unit_of_work():
        found = session().get_one(Person, who.id)
        assert (found.state, found.proofing_level) == (state, 2 if change else 4)
        assert (found.resident_id_index is None) == bool(change)
        held = acting.still_holds(actor=niece.id, party=who.id, evidence=mandate.id)
        assert (held is not None) == (state == "active")


def test_a_recheck_while_the_register_is_down_changes_nothing(work: UnitOfWork, registers: Registers) -> None:
    who = kin.person("江晚", level=4)
    registers.spoil("population", "down")

    with pytest.raises(RegisterUnavailable):
        service.recheck(who.id)

    assert session().get_one(Person, who.id).proofing_level == 4


@pytest.mark.parametrize(
    "change", ["update identity.proofing_event set level = 5", "delete from identity.proofing_event"]
)
def test_proofing_events_are_never_changed(work: UnitOfWork, change: str) -> None:
    who = kin.person("江晚")
    assert session().scalars(select(ProofingEvent.level).where(ProofingEvent.person_id == who.id)).all() == [3]

    with pytest.raises(DBAPIError, match="append-only"), session().begin_nested():
        session().execute(text(change))


def test_a_guardian_adds_the_child_whom_the_register_names(client: FlaskClient, registers: Registers) -> None:
    with unit_of_work():
        kin.own_pages()
        mother = kin.person("苏荷")
    number = kin.number_of(kin.born(5))
    registers.born(mother.name, mother.number)
    registers.born("苏晓", number)
    registers.tell("population", "change", number=number, guardian=mother.number, what="matched")
    kin.log_in(client, mother)

    added = kin.call(client, "POST", "/me/wards", name="苏晓", resident_id=number)

    assert (added.status_code, added.json["stage"], added.json["state"]) == (201, "child", "active")
    assert kin.call(client, "POST", "/me/wards", name="苏晓", resident_id=number).status_code == 409
    with unit_of_work():
        [ward] = [each for each in acting.capacities(mother.id) if each.evidence]
        child = session().get_one(Person, ward.party)
        assert (child.proofing_level, people.name_of(child)) == (3, "苏晓")


def test_every_child_that_is_not_ones_own_gets_one_answer(client: FlaskClient, registers: Registers) -> None:
    with unit_of_work():
        kin.own_pages()
        mother, known = kin.person("苏荷"), kin.person("苏晓", birth=kin.born(5), account=False)
        disputed, adult = kin.number_of(kin.born(4)), kin.person("路人")
    for name, number in ((mother.name, mother.number), (known.name, known.number), ("苏三", disputed)):
        registers.born(name, number)
    registers.tell("population", "change", number=disputed, guardian=mother.number, what="disputed")
    kin.log_in(client, mother)

    answers = [
        kin.call(client, "POST", "/me/wards", name=name, resident_id=number)
        for name, number in (
            (known.name, known.number), ("别名", known.number), ("苏三", disputed),
            ("无人", kin.number_of(kin.born(3))), (adult.name, adult.number),
        )
    ]  # fmt: skip

    told = {(answer.status_code, answer.json["type"], answer.json["title"]) for answer in answers}
    assert len(told) == 1
    assert answers[0].json["type"].endswith("/not-guardian")


@pytest.mark.parametrize(("what", "state"), [("matched", "active"), ("disputed", "disputed"), ("not_matched", "ended")])
def test_a_guardianship_is_asked_about_again(work: UnitOfWork, registers: Registers, what: str, state: str) -> None:
    mother, child = kin.person("苏荷"), kin.person("苏晓", birth=kin.born(5), account=False)
    row = kin.guardianship(mother, child)
    for each in (mother, child):
        registers.born(each.name, each.number)
    registers.tell("population", "change", number=child.number, guardian=mother.number, what=what)

    claims.recheck_guardianship(row.id)

    assert session().get_one(Relationship, row.id).state == state


def test_the_legal_register_says_who_represents_and_a_new_one_ends_the_old(
    client: FlaskClient, registers: Registers
) -> None:
    with unit_of_work():
        kin.own_pages()
        old, new, clerk = kin.person("云帆"), kin.person("苏荷"), kin.person("潘岭")
    code = kin.credit_code()
    entry = {"credit_code": code, "organisation": "溪流茶社"}
    registers.tell("legal_register", "change", **entry, name=old.name, number=old.number)
    kin.log_in(client, old)
    first = kin.call(client, "POST", "/me/organisations", credit_code=code)
    assert (first.status_code, first.json["name"], first.json["kind"]) == (201, "溪流茶社", "legal_representative")
    with unit_of_work():
        org = next(each.party for each in acting.capacities(old.id) if each.evidence)
        from identity.parties.models import Organisation

        kin.agent(old, session().get_one(Organisation, org), clerk)
    registers.tell("legal_register", "change", **entry, name=new.name, number=new.number)
    other = client.application.test_client()
    kin.log_in(other, new)

    assert kin.call(other, "POST", "/me/organisations", credit_code=code).status_code == 201

    with unit_of_work():
        assert [len(acting.capacities(each.id)) for each in (old, clerk, new)] == [1, 1, 2]


@pytest.mark.parametrize("wrong", ["unknown", "revoked", "another"])
def test_every_organisation_that_is_not_ones_own_gets_one_answer(
    client: FlaskClient, registers: Registers, wrong: str
) -> None:
    with unit_of_work():
        kin.own_pages()
        who, other = kin.person("云帆"), kin.person("窦宽")
    code = kin.credit_code()
    if wrong != "unknown":
        holder = who if wrong == "revoked" else other
        registers.tell(
            "legal_register", "change", credit_code=code, organisation="某社", name=holder.name, number=holder.number,
            revoked=wrong == "revoked",
        )  # fmt: skip
    kin.log_in(client, who)

    answer = kin.call(client, "POST", "/me/organisations", credit_code=code)

    assert (answer.status_code, answer.json["title"]) == (422, "未能核实法定代表人身份")
    assert kin.call(client, "POST", "/me/organisations", credit_code="91329999MA1DEM0150").status_code == 422
