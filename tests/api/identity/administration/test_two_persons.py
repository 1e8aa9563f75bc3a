"""The two-person rule: never alone, never from one session, never twice, never late."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from app.audit import AuditLeaf
from app.db import UnitOfWork, add, now, session, unit_of_work
from app.errors import DomainError
from app.principal import Kind, Principal, acting_as
from identity.handles import handle_of
from identity.parties.models import Person
from identity.staff import approvals
from identity.staff.errors import ApprovalOver
from identity.staff.models import Approval
from tests.api.identity.offices import Official, browser_of, give, office, official
from tests.api.identity.world import new_citizen

PATH = "/api/identity/admin/approvals"
CALLERS = 8


def _propose(browser: FlaskClient, who: Official, **changes: Any) -> Any:
    form = {"act": "person.disable", "arguments": {"person": _target()}, "reason": "reported theft", **changes}
    return browser.post(PATH, json=form, headers=who.headers())


def _target() -> str:
    return handle_of(new_citizen().person_id)


def _post(browser: FlaskClient, approval: str, verb: str, who: Official) -> Any:
    return browser.post(f"{PATH}/{approval}/{verb}", headers=who.headers())


def test_one_proposes_another_approves_and_the_act_is_done_once(browser: FlaskClient, work: UnitOfWork) -> None:
    first, second = official("administrator"), official("administrator")
    victim = new_citizen()
    proposed = _propose(browser, first, arguments={"person": handle_of(victim.person_id)}).json["id"]

    approved = _post(browser, proposed, "approve", second)
    done = _post(browser, proposed, "execute", first)
    again = _post(browser, proposed, "execute", first)

    assert (approved.status_code, done.status_code, again.status_code) == (200, 200, 409)
    session().expire_all()
    assert session().get_one(Person, victim.person_id).state == "disabled"


def _same_person(first: Official) -> Official:
    return first


def _same_person_in_another_session(first: Official) -> Official:
    secret, session_id = browser_of(first.citizen, staff_of=first.organisation.id)
    return replace(first, secret=secret, session_id=session_id)


def _same_person_for_another_organisation(first: Official) -> Official:
    other = office()
    give(first.citizen, other, "administrator")
    secret, session_id = browser_of(first.citizen, staff_of=other.id)
    return Official(first.citizen, other, secret, session_id)


@pytest.mark.parametrize(
    "second", [_same_person, _same_person_in_another_session, _same_person_for_another_organisation]
)
def test_nobody_approves_their_own_proposal(
    browser: FlaskClient, work: UnitOfWork, second: Callable[[Official], Official]
) -> None:
    first = official("administrator")
    proposed = _propose(browser, first).json["id"]

    refused = _post(browser, proposed, "approve", second(first))

    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (403, "second-person-needed")
    assert session().get_one(Approval, proposed, populate_existing=True).state == "proposed"


def test_another_person_in_the_same_session_does_not_count(work: UnitOfWork) -> None:
    first, second = official("administrator"), official("administrator")
    with acting_as(_principal(first)):
        proposed = approvals.propose(act="person.disable", arguments={"person": _target()}, reason="test").id

    with acting_as(replace(_principal(second), session=first.session_id)), pytest.raises(approvals.SecondPersonNeeded):
        approvals.approve(proposed)


def test_an_approver_without_a_known_session_does_not_count(work: UnitOfWork) -> None:
    first, second = official("administrator"), official("administrator")
    with acting_as(_principal(first)):
        proposed = approvals.propose(act="person.disable", arguments={"person": _target()}, reason="test").id

    with acting_as(replace(_principal(second), session=None)), pytest.raises(approvals.SecondPersonNeeded):
        approvals.approve(proposed)


@pytest.mark.parametrize("column", ["decided_by", "decided_session"])
def test_the_database_itself_refuses_two_equal_persons_or_sessions(work: UnitOfWork, column: str) -> None:
    row = {"decided_by": "person_b", "decided_session": "session_b", column: "same"}
    equal = {"decided_by": "proposed_by", "decided_session": "proposed_session"}[column]
    proposer = {"proposed_by": "person_a", "proposed_session": "session_a", equal: "same"}

    with pytest.raises(IntegrityError), session().begin_nested():
        add(Approval(act="x", arguments={}, reason="x", state="approved", expires_at=now(), **row, **proposer))


@pytest.mark.parametrize("verb", ["execute", "approve", "refuse"])
@pytest.mark.parametrize("state", ["refused", "executed"])
def test_what_is_over_is_over(browser: FlaskClient, work: UnitOfWork, verb: str, state: str) -> None:
    first, second = official("administrator"), official("administrator")
    proposed = _propose(browser, first).json["id"]
    _force(proposed, state=state, decided_by=second.citizen.person_id, decided_session=second.session_id)

    answer = _post(browser, proposed, verb, first if verb == "execute" else second)

    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "approval-over")


def test_an_unapproved_act_is_not_done(browser: FlaskClient, work: UnitOfWork) -> None:
    first = official("administrator")
    proposed = _propose(browser, first).json["id"]

    assert _post(browser, proposed, "execute", first).status_code == 409


@pytest.mark.parametrize(("state", "verb"), [("proposed", "approve"), ("approved", "execute")])
def test_a_late_decision_or_act_is_refused(browser: FlaskClient, work: UnitOfWork, state: str, verb: str) -> None:
    first, second = official("administrator"), official("administrator")
    proposed = _propose(browser, first).json["id"]
    decided = {"decided_by": second.citizen.person_id} if state == "approved" else {}
    _force(proposed, state=state, expires_at=now() - timedelta(seconds=1), **decided)

    assert _post(browser, proposed, verb, second if verb == "approve" else first).status_code == 409


def test_who_lost_the_desk_meanwhile_does_not_execute(browser: FlaskClient, work: UnitOfWork) -> None:
    first, second = official("administrator"), official("administrator")
    proposed = _propose(browser, first).json["id"]
    _post(browser, proposed, "approve", second)
    session().execute(text("update identity.staff_role set role = 'window' where person_id = :p"),
                      {"p": first.citizen.person_id})  # fmt: skip

    assert _post(browser, proposed, "execute", first).status_code == 403


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"act": "city.burn"}, "unknown-act"),
        ({"arguments": {}}, "bad-arguments"),
        ({"arguments": {"person": "sub_x", "state": "active"}}, "bad-arguments"),
        ({"arguments": {"person": "sub_00000000000000000000000000"}}, "not-found"),
        ({"reason": ""}, "invalid-request"),
        ({"state": "approved"}, "invalid-request"),
        ({"decided_by": "person_x"}, "invalid-request"),
        ({"proposed_by": "person_x"}, "invalid-request"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "invalid-request"),
    ],
)
def test_a_bad_proposal_is_refused(
    browser: FlaskClient, work: UnitOfWork, changes: dict[str, Any], problem: str
) -> None:
    answer = _propose(browser, official("administrator"), **changes)

    assert answer.json["type"].rpartition("/")[2] == problem


@pytest.mark.parametrize("role", ["clients", "devices", "people", "window"])
def test_other_desks_propose_and_decide_no_dangerous_act(browser: FlaskClient, work: UnitOfWork, role: str) -> None:
    first, other = official("administrator"), official(role)
    proposed = _propose(browser, first).json["id"]

    answers = [_propose(browser, other).status_code, _post(browser, proposed, "approve", other).status_code]

    assert answers == [403, 403]


def test_every_step_leaves_a_line_without_the_reasons_text(browser: FlaskClient, work: UnitOfWork) -> None:
    first, second = official("administrator"), official("administrator")
    proposed = _propose(browser, first, reason="canary-reason-7731").json["id"]
    _post(browser, proposed, "approve", second)
    _post(browser, proposed, "execute", first)
    work.commit()

    bodies = b"\n".join(session().scalars(select(AuditLeaf.body).order_by(AuditLeaf.at)))

    assert all(f'"identity.act-{step}"'.encode() in bodies for step in ("proposed", "approved", "executed"))
    assert b"canary-reason-7731" not in bodies


# Concurrency: real transactions, all callers at the gate together.


def _principal(who: Official) -> Principal:
    return Principal(
        kind=Kind.OFFICIAL, actor=who.citizen.person_id, organisation=who.organisation.id, session=who.session_id,
        desks=((who.organisation.id, "administrator", "3213"),),
    )  # fmt: skip


def _race(city: Flask, act: Callable[[int], Any]) -> int:
    gate = threading.Barrier(CALLERS)

    def one(number: int) -> bool:
        with city.app_context():
            gate.wait(10)
            try:
                act(number)
            except DomainError:
                return False
            return True

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(one, range(CALLERS)))


def _seated(city: Flask) -> tuple[Official, list[Official]]:
    with city.app_context(), unit_of_work():
        return official("administrator"), [official("administrator") for _ in range(CALLERS)]


def _proposed(city: Flask, first: Official) -> str:
    with city.app_context(), acting_as(_principal(first)), unit_of_work():
        return approvals.propose(act="person.search-duplicates", arguments={"person": _target()}, reason="test").id


def _approved(city: Flask, first: Official, second: Official) -> str:
    proposed = _proposed(city, first)
    with city.app_context(), acting_as(_principal(second)), unit_of_work():
        approvals.approve(proposed)
    return proposed


def test_of_parallel_approvals_exactly_one_decides(clean_city: Flask) -> None:
    first, others = _seated(clean_city)
    proposed = _proposed(clean_city, first)

    def approve(number: int) -> None:
        with acting_as(_principal(others[number])), unit_of_work():
            approvals.approve(proposed)

    assert _race(clean_city, approve) == 1


def test_of_parallel_executions_exactly_one_is_done(clean_city: Flask) -> None:
    first, others = _seated(clean_city)
    proposed = _approved(clean_city, first, others[0])

    def execute(_: int) -> None:
        with acting_as(_principal(first)), unit_of_work():
            approvals.execute_once(proposed)

    assert _race(clean_city, execute) == 1
    with clean_city.app_context(), unit_of_work(read_only=True):
        lines = select(func.count()).select_from(AuditLeaf).where(
            func.convert_from(AuditLeaf.body, "UTF8").contains("identity.act-executed")
        )  # fmt: skip
        assert session().scalar(lines) == 1


def test_control_a_decision_by_reading_first_is_done_several_times(clean_city: Flask) -> None:
    first, others = _seated(clean_city)
    proposed = _approved(clean_city, first, others[0])
    all_read = threading.Barrier(CALLERS)

    def execute_by_reading(_: int) -> None:
        with acting_as(_principal(first)), unit_of_work():
            state = session().scalar(select(Approval.state).where(Approval.id == proposed))
            all_read.wait(10)
            if state != "approved":
                raise ApprovalOver
            session().execute(update(Approval).where(Approval.id == proposed).values(state="executed"))

    assert _race(clean_city, execute_by_reading) == CALLERS


def _force(approval: str, **values: Any) -> None:
    session().execute(update(Approval).where(Approval.id == approval).values(**values))
