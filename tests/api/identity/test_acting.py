"""Who acts for whom reaches tokens, sessions, audit lines and jobs, and ends everywhere at once."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app import audit
from app.api import record
from app.db import UnitOfWork, session, unit_of_work
from app.facade.subjects import subject_of
from app.guards import Access, Kind, OwnAffairsOnly, check
from app.ids import new_id
from app.jobs import Job
from app.outbox import stored
from app.principal import Principal, acting_as
from app.subjects import in_audience
from app.worker import run_events
from identity.accounts.service import disable_account
from identity.oidc import jose
from identity.oidc.models import AuthorizationGrant, Client
from identity.parties import acting, mandates, relationships
from identity.parties.directory import directory
from identity.parties.service import disable_organisation, disable_person
from tests.api.identity import kin, world
from tests.api.identity.kin import Kin


@pytest.fixture
def mother(work: UnitOfWork) -> Kin:
    return kin.person("苏荷")


@pytest.fixture
def child(work: UnitOfWork) -> Kin:
    return kin.person("苏晓", birth=kin.born(6), account=False)


@pytest.fixture(autouse=True)
def _pages(work: UnitOfWork) -> None:
    kin.own_pages()


def claims_of(body: dict[str, Any]) -> dict[str, Any]:
    return jose.peek(body["access_token"])[1]


def test_tokens_name_the_ward_as_subject_and_the_guardian_as_actor(
    client: FlaskClient, mother: Kin, child: Kin
) -> None:
    with unit_of_work():
        ward, app_client = kin.guardianship(mother, child), kin.app_client()
    kin.log_in(client, mother)
    own = claims_of(_self(client, app_client))
    kin.choose(client, ward.id)

    body = kin.tokens(client, app_client)

    claims = claims_of(body)
    assert claims["act"]["sub"] == own["sub"]
    assert claims["act"]["capacity"] == "guardian"
    assert claims["sub"] not in (own["sub"], child.id)
    assert ward.id not in body["access_token"]
    me = client.application.test_client().get("/api/identity/me", headers=world.bearer(body["access_token"]))
    assert (me.json["name"], me.json["id"]) == ("苏*", claims["sub"])
    identity = jose.peek(body["id_token"])[1]
    info = client.application.test_client().get("/oauth2/userinfo", headers=world.bearer(body["access_token"]))
    assert info.json["sub"] == identity["sub"] != jose.peek(_self(client, app_client)["id_token"])[1]["sub"]


def _self(client: FlaskClient, app_client: str) -> dict[str, Any]:
    kin.choose(client, None)
    return kin.tokens(client, app_client)


def test_ids_of_actor_party_and_ground_meet_in_no_two_audiences(client: FlaskClient, mother: Kin, child: Kin) -> None:
    with unit_of_work():
        ward, app_client = kin.guardianship(mother, child), kin.app_client()
    kin.log_in(client, mother)
    kin.choose(client, ward.id)

    core = claims_of(kin.tokens(client, app_client))
    health = claims_of(kin.tokens(client, app_client, resource=world.HEALTH, scope="health:read"))

    ids = [{each["sub"], each["act"]["sub"], each["act"]["evidence"], each["sid"]} for each in (core, health)]
    assert all(len(each) == 4 for each in ids)
    assert not ids[0] & ids[1]
    assert not (ids[0] | ids[1]) & {mother.id, child.id, ward.id}


def test_audit_says_who_for_whom_and_why(client: FlaskClient, mother: Kin, child: Kin) -> None:
    with unit_of_work():
        ward, app_client = kin.guardianship(mother, child), kin.app_client()
    kin.log_in(client, mother)
    kin.choose(client, ward.id)
    kin.tokens(client, app_client)

    with unit_of_work():
        chosen, consented, issued = (
            kin.lines(child.id, f"identity.{action}") for action in ("acting-chosen", "consented", "token-issued")
        )
    for line in (*consented, *issued):
        told = {name: line[name] for name in ("actor", "acting_for", "capacity", "evidence", "kind", "subject")}
        assert told == {
            "actor": mother.id, "acting_for": child.id, "capacity": "guardian", "evidence": ward.id,
            "kind": "citizen", "subject": child.id,
        }  # fmt: skip
    assert [(line["actor"], line["object"]) for line in chosen] == [(mother.id, ward.id)]


def test_the_ward_reads_who_acted_and_as_what(client: FlaskClient, mother: Kin) -> None:
    with unit_of_work():
        teen = kin.person("苏宁", birth=kin.born(15))
        ward, app_client = kin.guardianship(mother, teen), kin.app_client()
    kin.log_in(client, mother)
    kin.choose(client, ward.id)
    kin.tokens(client, app_client)
    other = client.application.test_client()
    kin.log_in(other, teen)

    told = other.get("/api/identity/me/activity", headers={"Accept-Language": "en"}).json["items"]

    assert {("Access given to an app", "Guardian 苏*")} <= {(each["words"], each["by"]) for each in told}


def test_a_plugins_audit_line_names_the_acting_person_not_the_represented(
    work: UnitOfWork, mother: Kin, child: Kin
) -> None:
    ward = kin.guardianship(mother, child)
    inside = Principal(
        kind=Kind.CITIZEN, actor=mother.id, party=child.id, acting_for=child.id, capacity="guardian", evidence=ward.id
    )
    outside = in_audience(inside, "health")

    with acting_as(outside):
        record("health.looked", subject=subject_of(child.id))
    work.commit()

    assert mother.id not in repr(outside)
    assert child.id not in repr(outside)
    [line] = kin.lines(child.id, "health.looked")
    assert (line["actor"], line["acting_for"], line["evidence"]) == (mother.id, child.id, ward.id)


@pytest.mark.parametrize("audience", ["suxin", "health", "housing"])
def test_a_principal_moves_between_audiences_and_back_unchanged(
    work: UnitOfWork, mother: Kin, child: Kin, audience: str
) -> None:
    inside = Principal(kind=Kind.CITIZEN, actor=mother.id, party=child.id, acting_for=child.id, evidence="relation_1")

    back = in_audience(in_audience(inside, audience), "suxin")

    assert (back.actor, back.party, back.acting_for, back.evidence) == (mother.id, child.id, child.id, "relation_1")


def test_a_mandates_holder_gets_what_it_names_and_nothing_else(client: FlaskClient, mother: Kin) -> None:
    with unit_of_work():
        elder, app_client = kin.person("钱初", birth=date(1949, 10, 4)), kin.app_client()
        mandate = kin.mandate(elder, mother, suxin=["notices:read"])
    kin.log_in(client, mother)
    kin.choose(client, mandate.id)

    body = kin.tokens(client, app_client, scope=None)

    assert body["scope"] == "notices:read"
    bearer = world.bearer(body["access_token"])
    stranger = client.application.test_client()
    assert stranger.get("/api/notices/messages", headers=bearer).status_code != 401
    assert stranger.get("/api/identity/me", headers=bearer).json["type"].endswith("/insufficient-scope")
    assert client.get("/api/identity/me").status_code == 403
    refused = client.get(f"/oauth2/authorize?{world.request_of(app_client, world.Pkce.fresh(), scope='profile')}")
    assert world.answered(refused)["error"] == "access_denied"


def _revoke(mandate: str, giver: Kin, holder: Kin) -> None:
    mandates.revoke(mandate, by=giver.id)


def _resign(mandate: str, giver: Kin, holder: Kin) -> None:
    mandates.revoke(mandate, by=holder.id)


def _stop_giver(mandate: str, giver: Kin, holder: Kin) -> None:
    disable_person(giver.id)


def _stop_holder(mandate: str, giver: Kin, holder: Kin) -> None:
    disable_account(holder.account_id)


@pytest.mark.parametrize("ends", [_revoke, _resign, _stop_giver, _stop_holder])
def test_the_end_of_a_mandate_ends_tokens_and_sessions_at_once(client: FlaskClient, mother: Kin, ends: Any) -> None:
    with unit_of_work():
        elder, app_client = kin.person("钱初", birth=date(1949, 10, 4)), kin.app_client()
        mandate = kin.mandate(elder, mother)
    kin.log_in(client, mother)
    kin.choose(client, mandate.id)
    token = world.bearer(kin.tokens(client, app_client, scope="profile")["access_token"])
    code_query, pkce = _code(client, app_client)
    stranger = client.application.test_client()
    assert stranger.get("/api/identity/me", headers=token).status_code == 200

    with unit_of_work():
        ends(mandate.id, elder, mother)

    assert stranger.get("/api/identity/me", headers=token).status_code == 401
    assert world.redeem(stranger, app_client, code_query, pkce).json["error"] == "invalid_grant"
    assert client.get("/api/identity/me").status_code == 401


def _code(client: FlaskClient, app_client: str) -> tuple[str, world.Pkce]:
    pkce = world.Pkce.fresh()
    answer = client.get(f"/oauth2/authorize?{world.request_of(app_client, pkce, scope='profile')}")
    return world.code_of(answer), pkce


def test_a_ground_that_ran_out_stops_the_session_and_never_falls_back_to_oneself(
    client: FlaskClient, mother: Kin
) -> None:
    from tests.api.identity.test_mandates import _expire

    with unit_of_work():
        elder, app_client = kin.person("钱初", birth=date(1949, 10, 4)), kin.app_client()
        mandate = kin.mandate(elder, mother)
    kin.log_in(client, mother)
    kin.choose(client, mandate.id)
    code, pkce = _code_by_consent(client, app_client)
    with unit_of_work():
        _expire(mandate.id)

    assert client.get("/api/identity/me").json["type"].endswith("/capacity-ended")
    assert world.redeem(client, app_client, code, pkce).json["error"] == "invalid_grant"
    asked = client.get(f"/oauth2/authorize?{world.request_of(app_client, world.Pkce.fresh())}")
    assert world.answered(asked)["error"] == "access_denied"
    kin.choose(client, None)
    assert client.get("/api/identity/me").json["name"] == "苏*"


def _code_by_consent(client: FlaskClient, app_client: str) -> tuple[str, world.Pkce]:
    kin.tokens(client, app_client, scope="profile")
    return _code(client, app_client)


def test_whoever_may_act_for_others_is_asked_once_for_whom(client: FlaskClient, mother: Kin, child: Kin) -> None:
    with unit_of_work():
        kin.guardianship(mother, child)
        app_client = kin.app_client()
    kin.log_in(client, mother)
    query = world.request_of(app_client, world.Pkce.fresh())

    asked = client.get(f"/oauth2/authorize?{query}")
    assert asked.headers["Location"].startswith("/account/acting-for?return_to=%2Foauth2%2Fauthorize")
    chooser = client.get(asked.headers["Location"]).get_data(as_text=True)
    assert "苏*" in chooser
    assert child.name not in chooser
    kin.choose(client, None)

    assert client.get(f"/oauth2/authorize?{query}").status_code == 200


def test_consent_for_oneself_is_no_consent_for_a_ward(client: FlaskClient, mother: Kin, child: Kin) -> None:
    with unit_of_work():
        ward, app_client = kin.guardianship(mother, child), kin.app_client()
    kin.log_in(client, mother)
    _self(client, app_client)
    kin.choose(client, ward.id)

    assert client.get(f"/oauth2/authorize?{world.request_of(app_client, world.Pkce.fresh())}").status_code == 200


def test_a_consent_page_of_another_capacity_gives_nothing(client: FlaskClient, mother: Kin, child: Kin) -> None:
    with unit_of_work():
        ward, app_client = kin.guardianship(mother, child), kin.app_client()
    kin.log_in(client, mother)
    kin.choose(client, None)
    query = world.request_of(app_client, world.Pkce.fresh())
    page = client.get(f"/oauth2/authorize?{query}").get_data(as_text=True)
    kin.choose(client, ward.id)

    form = {"csrf_token": world.form_token(page), "request": query, "decision": "approve", "acting": ""}
    assert world.answered(client.post("/oauth2/authorize", data=form))["error"] == "access_denied"


@pytest.mark.parametrize("evidence", ["relation_00000000000000000000000000", "mandate_x", "x" * 300])
def test_nobody_chooses_what_is_not_theirs(client: FlaskClient, mother: Kin, child: Kin, evidence: str) -> None:
    with unit_of_work():
        other = kin.person("窦宽")
        foreign = kin.guardianship(other, child)
    kin.log_in(client, mother)

    assert kin.choose(client, evidence).status_code == kin.choose(client, foreign.id).status_code == 404
    assert client.get("/api/identity/me").json["name"] == "苏*"


def test_whoever_acts_for_another_cannot_touch_that_ones_own_affairs(
    client: FlaskClient, mother: Kin, child: Kin
) -> None:
    with unit_of_work():
        ward = kin.guardianship(mother, child)
    kin.log_in(client, mother)
    kin.choose(client, ward.id)

    for path in ("/me/mandates", "/me/wards", "/me/organisations", "/me/guardians", "/me/capacities", "/me/proofing"):
        answer = client.get(f"/api/identity{path}")
        assert answer.json["type"].endswith("/own-affairs-only"), path
    with pytest.raises(OwnAffairsOnly):
        check(Access(own_affairs=True), Principal(kind=Kind.CITIZEN, actor="a", party="b", acting_for="b"))


def test_an_organisation_passes_for_no_citizen(client: FlaskClient, mother: Kin) -> None:
    with unit_of_work():
        _org, ground = kin.organisation(mother)
        app_client = kin.app_client()
    kin.log_in(client, mother)
    kin.choose(client, ground.id)

    body = kin.tokens(client, app_client)

    claims = claims_of(body)
    assert (claims["kind"], claims["act"]["capacity"]) == ("organisation", "legal_representative")
    assert claims["org"] == claims["sub"]
    for answer in (
        client.get("/api/identity/me"),
        client.application.test_client().get("/api/identity/me", headers=world.bearer(body["access_token"])),
    ):
        assert (answer.status_code, answer.json["required_kinds"]) == (403, ["citizen"])
    assert client.get("/").status_code == 200


def test_disabling_an_organisation_ends_who_acts_for_it(client: FlaskClient, mother: Kin) -> None:
    with unit_of_work():
        org, ground = kin.organisation(mother)
        app_client = kin.app_client()
    kin.log_in(client, mother)
    kin.choose(client, ground.id)
    token = world.bearer(kin.tokens(client, app_client)["access_token"])

    with unit_of_work():
        disable_organisation(org.id)

    assert client.application.test_client().get("/api/identity/me", headers=token).status_code == 401
    assert client.get("/api/identity/me").status_code == 401
    with unit_of_work():
        assert session().query(AuthorizationGrant).filter_by(revoked_at=None).count() == 0


@pytest.mark.parametrize("still", [True, False])
def test_a_queued_job_runs_only_while_its_ground_holds(work: UnitOfWork, mother: Kin, child: Kin, still: bool) -> None:
    ward, ran = kin.guardianship(mother, child), []
    who = Principal(
        kind=Kind.CITIZEN, actor=mother.id, party=child.id, acting_for=child.id, capacity="guardian", evidence=ward.id
    )
    if not still:
        relationships.suspend(ward.id)
    work.commit()
    event = {"id": "event_1", "arguments": {}, "acts_under": stored(in_audience(who, "health"))}

    failed = run_events(Job(name="health.later", run=lambda: ran.append(1)), [event])

    assert (failed, len(ran)) == ([], int(still))
    with unit_of_work():
        dropped = [leaf for leaf in session().scalars(_all_leaves()) if b"core.job-refused" in leaf.body]
    assert len(dropped) == int(not still)


def _all_leaves() -> Any:
    from sqlalchemy import select

    return select(audit.AuditLeaf)


@pytest.mark.parametrize("stop", [disable_person, None])
def test_a_queued_job_of_a_stopped_person_is_dropped(work: UnitOfWork, mother: Kin, stop: Any) -> None:
    ran: list[int] = []
    if stop is not None:
        stop(mother.id)
    work.commit()
    who = Principal(kind=Kind.CITIZEN, actor=mother.id, party=mother.id)

    run_events(
        Job(name="core.later", run=lambda: ran.append(1)),
        [{"id": "event_2", "arguments": {}, "acts_under": stored(who)}],
    )

    assert len(ran) == int(stop is None)


@pytest.mark.parametrize(
    "act", ["guardian", {}, {"sub": 1}, {"sub": "x", "evidence": 7}, {"sub": "x", "capacity": []}, None, []]
)
def test_a_token_whose_act_says_nobody_is_refused(client: FlaskClient, mother: Kin, act: Any) -> None:
    from identity.oidc import keys

    with unit_of_work():
        app_client = kin.app_client()
    kin.log_in(client, mother)
    good = claims_of(kin.tokens(client, app_client))
    with unit_of_work():
        kid, key = keys.active()
        forged = jose.sign({**good, "act": act, "jti": "another"}, key, typ="at+jwt", header={"kid": kid})

    assert client.application.test_client().get("/api/identity/me", headers=world.bearer(forged)).status_code == 401


def test_the_home_page_shows_a_mandates_holder_no_more_than_the_mandate(client: FlaskClient, mother: Kin) -> None:
    with unit_of_work():
        elder = kin.person("钱初", birth=date(1949, 10, 4))
        little, more = (
            kin.mandate(elder, mother, purpose=purpose, suxin=scopes)
            for purpose, scopes in (("little", ["certificates:read"]), ("more", ["notices:read", "profile"]))
        )
    kin.log_in(client, mother)
    shown = {}
    for name, mandate in (("little", little), ("more", more)):
        kin.choose(client, mandate.id)
        shown[name] = client.get("/").get_data(as_text=True)

    assert "您给出的一份委托已被接受" not in shown["little"]
    assert "您给出的一份委托已被接受" in shown["more"]
    assert all("正在代办" in page for page in shown.values())


def test_a_request_names_its_ground_as_an_authorization_detail(work: UnitOfWork, mother: Kin, child: Kin) -> None:
    ward, foreign = kin.guardianship(mother, child), kin.guardianship(kin.person("窦宽"), child)
    named = {"type": "mandate", "mandate": ward.id}

    found = acting.named_by(mother.id, [{"type": "other"}, named])

    assert found is not None
    assert (found.party, found.evidence) == (child.id, ward.id)
    assert acting.named_by(mother.id, [{"type": "mandate", "actions": ["read"]}]) is None
    for wrong in ([named, named], [{"type": "mandate", "mandate": foreign.id}], [{"type": "mandate", "mandate": None}]):
        with pytest.raises(LookupError):
            acting.named_by(mother.id, wrong)


def test_nothing_but_what_acting_costs_is_asked_of_the_database(client: FlaskClient, mother: Kin) -> None:
    from sqlalchemy import event

    from app.db import database

    with unit_of_work():
        app_client = kin.app_client()
    kin.log_in(client, mother)
    pkce, statements = world.Pkce.fresh(), []
    with client.application.app_context():
        engine = database().write

    def count(*said: Any) -> None:
        if "relationship" in said[2] or ("mandate" in said[2].lower() and "FROM identity.mandate" in said[2]):
            statements.append(said[2])

    event.listen(engine, "before_cursor_execute", count)
    try:
        assert client.get(f"/oauth2/authorize?{world.request_of(app_client, pkce)}").status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", count)

    assert len(statements) == 1


def _naming(mandate: str) -> str:
    return json.dumps([{"type": "mandate", "mandate": mandate}])


def test_a_request_that_names_a_mandate_acts_on_it_without_the_chooser(client: FlaskClient, mother: Kin) -> None:
    with unit_of_work():
        elder, app_client = kin.person("钱初", birth=date(1949, 10, 4)), kin.app_client()
        mandate = kin.mandate(elder, mother)
        session().execute(update(Client).where(Client.id == app_client).values(detail_types=["mandate"]))
    kin.log_in(client, mother)

    body = kin.tokens(client, app_client, scope="profile", authorization_details=_naming(mandate.id))

    claims = jose.peek(body["access_token"])[1]
    with unit_of_work():
        assert directory.party_of(claims["sub"], "suxin") == elder.id
        assert directory.party_of(claims["act"]["sub"], "suxin") == mother.id


@pytest.mark.parametrize("whose", ["a stranger's", "nobody's"])
def test_a_mandate_that_is_not_ones_own_is_denied_like_none(client: FlaskClient, mother: Kin, whose: str) -> None:
    with unit_of_work():
        app_client, other = kin.app_client(), kin.person("周远")
        theirs = kin.mandate(kin.person("钱初", birth=date(1949, 10, 4)), other)
        session().execute(update(Client).where(Client.id == app_client).values(detail_types=["mandate"]))
    kin.log_in(client, mother)
    named = theirs.id if whose == "a stranger's" else new_id("mandate")

    query = world.request_of(app_client, world.Pkce.fresh(), scope="profile", authorization_details=_naming(named))

    assert world.answered(client.get(f"/oauth2/authorize?{query}"))["error"] == "access_denied"
