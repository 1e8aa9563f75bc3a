"""What is stopped stops at once on every path, and stays stopped for what was begun before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit import AuditLeaf
from app.db import UnitOfWork, session
from app.ids import new_id
from app.jobs import Job
from app.outbox import stored
from app.principal import SYSTEM, Kind, Principal, acting_as
from app.worker import run_events
from identity.admin import departments, persons
from identity.clients import service as clients
from identity.devices import service as devices
from identity.devices.presence import DeviceKeys
from identity.oidc.models import Client
from identity.privacy import consents
from tests.api.identity.offices import browser_of, official
from tests.api.identity.world import (
    Citizen,
    Pkce,
    Terminal,
    approve,
    ask_token,
    assertion,
    bearer,
    citizen_tokens,
    code_of,
    log_in,
    new_citizen,
    new_client,
    new_terminal,
    own_pages,
    redeem,
    request_of,
    terminal_token,
)


def _person(_: str, citizen: Citizen) -> None:
    persons.disable(citizen.person_id)


def _client(app_id: str, _: Citizen) -> None:
    clients.disable(app_id)


def _department(app_id: str, _: Citizen) -> None:
    departments.suspend(session().get_one(Client, app_id).organisation_id or "")


def _consent(app_id: str, citizen: Citizen) -> None:
    consents.withdraw(citizen.person_id, app_id)


STOPS: dict[str, Callable[[str, Citizen], None]] = {
    "person": _person, "client": _client, "department": _department, "consent": _consent,
}  # fmt: skip
ENABLES: dict[str, Callable[[str, Citizen], None]] = {
    "person": lambda _, citizen: _let_in(citizen),
    "client": lambda app_id, _: clients.enable(app_id),
    "department": lambda app_id, _: departments.resume(session().get_one(Client, app_id).organisation_id or ""),
}


def _let_in(citizen: Citizen) -> None:
    from identity.handles import handle_of

    persons.enable(handle_of(citizen.person_id), reason="complaint")


def _world() -> tuple[str, Citizen]:
    from tests.api.identity.offices import office

    own_pages()
    app_id, citizen = new_client(), new_citizen()
    session().get_one(Client, app_id).organisation_id = office().id
    session().flush()
    return app_id, citizen


@pytest.mark.parametrize("stop", STOPS)
def test_a_token_dies_at_once(client: FlaskClient, work: UnitOfWork, stop: str) -> None:
    app_id, citizen = _world()
    token = citizen_tokens(client, citizen, app_id)["access_token"]
    before = client.get("/api/identity/me", headers=bearer(token)).status_code

    STOPS[stop](app_id, citizen)
    work.commit()

    assert (before, client.get("/api/identity/me", headers=bearer(token)).status_code) == (200, 401)


@pytest.mark.parametrize("stop", STOPS)
def test_a_code_under_way_is_worth_nothing(client: FlaskClient, work: UnitOfWork, stop: str) -> None:
    app_id, citizen = _world()
    log_in(client, citizen.login_name)
    pkce = Pkce.fresh()
    code = code_of(approve(client, request_of(app_id, pkce)))

    STOPS[stop](app_id, citizen)

    assert redeem(client, app_id, code, pkce).status_code in (400, 401)


@pytest.mark.parametrize("stop", ENABLES)
def test_what_was_given_before_does_not_come_back_with_an_enabling(
    client: FlaskClient, work: UnitOfWork, stop: str
) -> None:
    app_id, citizen = _world()
    token = citizen_tokens(client, citizen, app_id)["access_token"]
    pkce = Pkce.fresh()
    code = code_of(client.get(f"/oauth2/authorize?{request_of(app_id, pkce)}"))
    secret, _ = browser_of(citizen)
    STOPS[stop](app_id, citizen)
    work.commit()

    ENABLES[stop](app_id, citizen)
    work.commit()

    assert redeem(client, app_id, code, pkce).status_code == 400
    assert client.get("/api/identity/me", headers=bearer(token)).status_code == 401
    if stop == "person":
        client.delete_cookie("suxin-session")
        client.set_cookie("suxin-session", secret)
        assert client.get("/api/identity/me").status_code == 401


@pytest.mark.parametrize("stop", ["person", "client", "department"])
def test_nobody_is_sent_to_what_is_stopped(client: FlaskClient, work: UnitOfWork, stop: str) -> None:
    app_id, citizen = _world()
    log_in(client, citizen.login_name)

    STOPS[stop](app_id, citizen)
    answer = client.get(f"/oauth2/authorize?{request_of(app_id, Pkce.fresh())}")

    assert answer.status_code != 200
    assert "code=" not in answer.headers.get("Location", "")


def test_a_stopped_persons_browser_and_password_are_worth_nothing(client: FlaskClient, work: UnitOfWork) -> None:
    _, citizen = _world()
    log_in(client, citizen.login_name)
    before = client.get("/api/identity/me").status_code

    persons.disable(citizen.person_id)

    assert (before, client.get("/api/identity/me").status_code) == (200, 401)
    assert log_in(client, citizen.login_name).status_code == 401


# Terminals.

TERMINAL_STOPS: dict[str, Callable[[Terminal], None]] = {
    "suspended": lambda terminal: devices.suspend(terminal.id),
    "retired": lambda terminal: devices.retire(terminal.id),
    "department": lambda terminal: departments.suspend(terminal.organisation_id),
}


@pytest.mark.parametrize("stop", TERMINAL_STOPS)
def test_a_stopped_terminal_neither_uses_nor_gets_tokens(client: FlaskClient, work: UnitOfWork, stop: str) -> None:
    terminal = new_terminal()
    token = terminal_token(client, terminal)

    TERMINAL_STOPS[stop](terminal)
    work.commit()

    used = client.post("/api/presence/sessions", json={"purpose": "health:purchase"}, headers=bearer(token))
    assert used.status_code == 401
    assert ask_token(client, assertion(terminal)).status_code == 401


@pytest.mark.parametrize("stop", TERMINAL_STOPS)
def test_a_stopped_terminals_key_is_no_evidence(work: UnitOfWork, stop: str) -> None:
    terminal = new_terminal()
    before = DeviceKeys().public_jwk(terminal.id)

    TERMINAL_STOPS[stop](terminal)

    assert before is not None
    assert DeviceKeys().public_jwk(terminal.id) is None


def test_a_retired_terminal_does_not_come_back(work: UnitOfWork) -> None:
    terminal = new_terminal()
    devices.retire(terminal.id)

    with pytest.raises(devices.Conflict):
        devices.resume(terminal.id)


# Queued jobs.


def _run(who: Principal, **options: Any) -> list[int]:
    ran: list[int] = []
    job = Job(name="identity.trial", run=_into(ran), **options)
    run_events(job, [{"id": new_id("event"), "arguments": {"number": 1}, "acts_under": stored(who)}])
    return ran


def _into(ran: list[int]) -> Callable[..., None]:
    def run(number: int) -> None:
        ran.append(number)

    return run


def _citizens(client: FlaskClient, app_id: str, citizen: Citizen) -> Principal:
    from identity.oidc.verify import claims_of, principal_of

    token = citizen_tokens(client, citizen, app_id)["access_token"]
    return principal_of(claims_of(token), "suxin")


@pytest.mark.parametrize("stop", STOPS)
def test_a_queued_job_is_dropped_with_a_line(client: FlaskClient, work: UnitOfWork, stop: str) -> None:
    app_id, citizen = _world()
    who = _citizens(client, app_id, citizen)
    STOPS[stop](app_id, citizen)
    work.commit()

    ran = _run(who)

    bodies = b"\n".join(session().scalars(select(AuditLeaf.body)))
    assert ran == []
    assert b"core.job-refused" in bodies


@pytest.mark.parametrize("stop", STOPS)
def test_a_job_that_must_be_finished_runs_all_the_same(client: FlaskClient, work: UnitOfWork, stop: str) -> None:
    app_id, citizen = _world()
    who = _citizens(client, app_id, citizen)
    STOPS[stop](app_id, citizen)
    work.commit()

    assert _run(who, outlives_withdrawal=True) == [1]


def test_control_a_job_of_somebody_in_good_standing_runs(client: FlaskClient, work: UnitOfWork) -> None:
    app_id, citizen = _world()

    assert _run(_citizens(client, app_id, citizen)) == [1]
    assert _run(SYSTEM) == [1]


@pytest.mark.parametrize("stop", TERMINAL_STOPS)
def test_a_stopped_terminals_job_is_dropped(work: UnitOfWork, stop: str) -> None:
    terminal = new_terminal()
    who = Principal(kind=Kind.TERMINAL, actor=terminal.id, terminal=terminal.id, client=terminal.id)
    before = _run(who)

    TERMINAL_STOPS[stop](terminal)
    work.commit()

    assert (before, _run(who)) == ([1], [])


def test_an_officials_job_is_dropped_when_the_post_ends(work: UnitOfWork) -> None:
    who = official("clients")
    acting = Principal(
        kind=Kind.OFFICIAL, actor=who.citizen.person_id, organisation=who.organisation.id,
        desks=((who.organisation.id, "clients", "3213"),),
    )  # fmt: skip
    before = _run(acting)
    departments.suspend(who.organisation.id)
    work.commit()

    assert (before, _run(acting)) == ([1], [])


def test_a_withdrawn_consent_is_asked_for_again(client: FlaskClient, work: UnitOfWork) -> None:
    app_id, citizen = _world()
    citizen_tokens(client, citizen, app_id)
    consents.withdraw(citizen.person_id, app_id)

    page = client.get(f"/oauth2/authorize?{request_of(app_id, Pkce.fresh())}")

    assert page.status_code == 200


def test_a_narrowed_access_ends_what_was_given_before(client: FlaskClient, work: UnitOfWork) -> None:
    app_id, citizen = _world()
    token = citizen_tokens(client, citizen, app_id)["access_token"]
    with acting_as(SYSTEM):
        clients.change(app_id, {"access": {"suxin": ["openid"]}})
    work.commit()

    assert client.get("/api/identity/me", headers=bearer(token)).status_code == 401
