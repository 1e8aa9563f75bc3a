"""Tickets at windows and terminals, and back into an account, never below the level that was lost."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app import audit, crypto
from app.db import UnitOfWork, add, now, session, unit_of_work
from app.errors import DomainError
from app.guards import Kind
from app.ids import new_id
from app.presence.models import PresenceProof, PresenceSession
from identity.authenticators.models import Authenticator
from identity.oidc import jose
from identity.parties.directory import directory
from identity.parties.models import Person
from identity.sessions import service, tickets
from identity.sessions.models import BrowserSession, Ticket
from identity.sessions.where import Where
from tests.api.identity import ways, world
from tests.api.identity.authenticator import Phone
from tests.api.identity.world import Citizen, Pkce

NUMBER = "321302199001010015"
DESK = (("org_tax", "window", "321302"),)
NEW = "Harbour-violin-83"
SignIn = Callable[..., dict[str, str]]


def _number() -> str:
    """Return a demo resident number that the checks accept."""
    from app.identifiers.resident_id import check_sign

    first = "321302" + "19900101" + str(secrets.randbelow(900) + 100)
    return first + check_sign(first)


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    world.own_pages()
    return world.new_citizen()


def card_of(citizen: Citizen) -> str:
    """Give a citizen an ID card and return its number."""
    number = _number()
    with unit_of_work():
        session().execute(
            update(Person)
            .where(Person.id == citizen.person_id)
            .values(resident_id_index=crypto.blind_index(number, purpose="resident-id"))
        )
    return number


def proof_of(citizen: Citizen, kind: str, reason: str, **changes: Any) -> str:
    """Return a presence proof that the citizen has confirmed for this reason at terminal_1."""
    with unit_of_work():
        opened = add(
            PresenceSession(
                terminal="terminal_1", organisation="org_1", place="321302", purpose=tickets.PURPOSES[kind],
                nonce=secrets.token_urlsafe(8), expires_at=now() + timedelta(minutes=1), state="decided",
            )
        )  # fmt: skip
        values = {
            "session_id": opened.id, "party": citizen.person_id, "terminal": "terminal_1",
            "purpose": tickets.PURPOSES[kind], "method": "face", "level": "certified",
            "expires_at": now() + timedelta(minutes=5), "bound_digest": tickets.digest_of(kind, reason),
            "confirmed_by": "tap", "confirmed_at": now(),
        }  # fmt: skip
        return add(PresenceProof(id=new_id("proof"), **{**values, **changes})).id


def official(sign_in: SignIn, **changes: Any) -> dict[str, str]:
    """Sign an official of a window in."""
    return sign_in(**{"kind": Kind.OFFICIAL, "actor": "person_official", "desks": DESK, "scopes": ["identity:assist"],
                      **changes})  # fmt: skip


def by_card(client: FlaskClient, headers: dict[str, str], number: str, kind: str = "log-in", **changes: Any) -> Any:
    """Ask for a ticket by a card check."""
    body = {"kind": kind, "reason": "代办社保查询", "resident_id": number, **changes}
    return client.post("/api/identity/tickets", json=body, headers=headers)


def enter(browser: FlaskClient, code: str) -> Any:
    """Type a ticket at the window's screen."""
    token = world.form_token(ways.text(browser.get("/login/ticket")))
    return browser.post("/login/ticket", data={"csrf_token": token, "ticket": code})


def recover(browser: FlaskClient, code: str, password: str = NEW, **more: str) -> Any:
    """Set a new password by ticket."""
    token = world.form_token(ways.text(browser.get("/recover")))
    return browser.post("/recover", data={"csrf_token": token, "ticket": code, "password": password, **more})


def test_a_window_opens_a_short_session_that_says_who_helped(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn
) -> None:
    made = by_card(client, official(sign_in), card_of(citizen))
    assert made.status_code == 201, ways.text(made)
    screen = app.test_client()

    done = enter(screen, made.json["code"].lower())

    assert done.status_code == 303
    with unit_of_work():
        held = service.of_person(citizen.person_id)[0]
        assert (held.assisted_by, held.assist_reason, held.shared) == ("person_official", "代办社保查询", True)
        assert held.expires_at <= now() + service.SHARED_LIFETIME
        lines = {each.action: each for each in audit.about(citizen.person_id)}
    assert lines["identity.logged-in"].actor == "person_official"
    assert "identity.assisted-log-in" in ways.told(citizen.person_id)
    assert "窗口协助" in ways.text(screen.get("/account/sessions"))


def test_tokens_of_an_assisted_session_say_who_helped(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn
) -> None:
    screen, app_client, pkce = app.test_client(), world.new_client(), Pkce.fresh()
    enter(screen, by_card(client, official(sign_in), card_of(citizen)).json["code"])

    code = world.code_of(world.approve(screen, world.request_of(app_client, pkce)))
    claims = jose.peek(world.redeem(screen, app_client, code, pkce).json["access_token"])[1]

    with unit_of_work():
        assert directory.party_of(claims["sub"], "suxin") == citizen.person_id
        assert directory.party_of(claims["act"]["sub"], "suxin") == "person_official"
        line = next(each for each in audit.about(citizen.person_id) if each.action == "identity.token-issued")
    assert (claims["act"]["capacity"], claims["kind"], line.actor) == ("staff", "citizen", "person_official")


def test_an_assisted_session_never_changes_the_ways_in(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn
) -> None:
    screen = app.test_client()
    enter(screen, by_card(client, official(sign_in), card_of(citizen)).json["code"])

    for path in ("/account/authenticators/password", "/account/authenticators/app"):
        answer = screen.get(path)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/login?")
    token = world.form_token(ways.text(screen.get("/account/")))
    screen.post("/account/authenticators/password", data={"csrf_token": token, "password": NEW})
    assert world.log_in(app.test_client(), citizen.login_name, NEW).status_code == 401


def test_a_ticket_is_used_once(app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn) -> None:
    code = by_card(client, official(sign_in), card_of(citizen)).json["code"]

    assert enter(app.test_client(), code).status_code == 303
    assert enter(app.test_client(), code).status_code == 401


@pytest.mark.parametrize(
    "values",
    [{"expires_at": now() - timedelta(seconds=1)}, {"ready_at": now() + timedelta(hours=1)},
     {"cancelled_at": now()}, {"consumed_at": now()}, {"kind": "recovery"}],
    ids=lambda values: next(iter(values)),
)  # fmt: skip
def test_a_ticket_out_of_order_opens_nothing(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn, values: dict[str, Any]
) -> None:
    code = by_card(client, official(sign_in), card_of(citizen)).json["code"]
    with unit_of_work():
        session().execute(update(Ticket).values(**values))

    assert enter(app.test_client(), code).status_code == 401


def test_tickets_are_guessed_at_in_vain(app: Flask, client: FlaskClient, citizen: Citizen) -> None:
    browser = app.test_client()

    statuses = [enter(browser, "AAAAAAAAAA").status_code for _ in range(11)]

    assert statuses == [401] * 10 + [429]


@pytest.mark.parametrize(
    ("who", "status"),
    [({"desks": ()}, 403), ({"desks": (("back", "tax", "321302"),)}, 403), ({"kind": Kind.CITIZEN}, 403),
     ({"kind": Kind.TERMINAL}, 403), ({"scopes": []}, 403)],
)  # fmt: skip
def test_only_a_window_official_hands_out_tickets(
    client: FlaskClient, citizen: Citizen, sign_in: SignIn, who: dict[str, Any], status: int
) -> None:
    assert by_card(client, official(sign_in, **who), card_of(citizen)).status_code == status


@pytest.mark.parametrize(
    ("change", "status"),
    [({"resident_id": "x"}, 409), ({"resident_id": ""}, 409), ({"resident_id": NUMBER}, 409), ({"reason": ""}, 422),
     ({"kind": "other"}, 422), ({"proof": "proof_x"}, 422), ({"reason": "长" * 201}, 422)],
)  # fmt: skip
def test_a_ticket_wants_a_reason_and_one_check(
    client: FlaskClient, citizen: Citizen, sign_in: SignIn, change: dict[str, Any], status: int
) -> None:
    assert by_card(client, official(sign_in), card_of(citizen), **change).status_code == status


def test_presence_at_a_terminal_recovers_an_account_at_once(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn
) -> None:
    world.log_in(client, citizen.login_name)
    phone = Phone()
    ways.add_passkey(client, phone)
    terminal = sign_in(kind=Kind.TERMINAL, actor="terminal_1", terminal="terminal_1", scopes=["identity:recovery"])
    body = {"kind": "recovery", "reason": "忘记密码", "proof": proof_of(citizen, "recovery", "忘记密码")}

    made = client.post("/api/identity/recovery-tickets", json=body, headers=terminal)
    again = client.post("/api/identity/recovery-tickets", json=body, headers=terminal)

    assert (made.status_code, again.status_code) == (201, 409)
    assert recover(app.test_client(), made.json["code"]).status_code == 200
    assert client.get("/account/").status_code == 303
    assert world.log_in(app.test_client(), citizen.login_name).status_code == 401
    assert world.log_in(app.test_client(), citizen.login_name, NEW).status_code == 303
    assert ways.by_passkey(app.test_client(), phone).status_code == 303
    assert {"identity.recovery-opened", "identity.password-set"} <= set(ways.told(citizen.person_id))


@pytest.mark.parametrize(
    "changes",
    [
        {"terminal": "terminal_2"}, {"purpose": "health:settle"}, {"bound_digest": "0" * 64},
        {"bound_digest": None, "confirmed_by": None, "confirmed_at": None}, {"consumed_at": now()},
        {"expires_at": now() - timedelta(seconds=1)},
    ],
    ids=["terminal", "purpose", "reason", "unconfirmed", "used", "late"],
)  # fmt: skip
def test_a_proof_for_something_else_recovers_nothing(
    client: FlaskClient, citizen: Citizen, sign_in: SignIn, changes: dict[str, Any]
) -> None:
    terminal = sign_in(kind=Kind.TERMINAL, actor="terminal_1", terminal="terminal_1", scopes=["identity:recovery"])
    body = {"kind": "recovery", "reason": "忘记密码", "proof": proof_of(citizen, "recovery", "忘记密码", **changes)}

    answer = client.post("/api/identity/recovery-tickets", json=body, headers=terminal)

    assert answer.status_code in (403, 404, 409, 410)
    with unit_of_work():
        assert session().scalars(select(Ticket)).all() == []


def test_a_terminal_cannot_open_a_session_or_skip_the_proof(
    client: FlaskClient, citizen: Citizen, sign_in: SignIn
) -> None:
    terminal = sign_in(kind=Kind.TERMINAL, actor="terminal_1", terminal="terminal_1", scopes=["identity:recovery"])
    number = card_of(citizen)
    for body in (
        {"kind": "recovery", "reason": "忘记密码", "resident_id": number},
        {"kind": "log-in", "reason": "忘记密码", "proof": proof_of(citizen, "log-in", "忘记密码")},
    ):
        assert client.post("/api/identity/recovery-tickets", json=body, headers=terminal).status_code == 403


def test_a_card_alone_opens_a_strong_account_only_after_a_day_to_object(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn
) -> None:
    world.log_in(client, citizen.login_name)
    phone = Phone()
    ways.add_passkey(client, phone)
    code = by_card(client, official(sign_in), card_of(citizen), "recovery").json["code"]

    assert recover(app.test_client(), code).status_code == 401
    with unit_of_work():
        held = session().scalars(select(Ticket)).one()
        assert held.ready_at > now() + timedelta(hours=23)
        session().execute(update(Ticket).values(ready_at=now()))
    page = ways.text(client.get("/account/"))
    assert "有人正在为您的账号办理找回" in page
    client.post(f"/account/recoveries/{held.id}", data={"csrf_token": world.form_token(page)})
    assert recover(app.test_client(), code).status_code == 401
    assert ways.by_passkey(app.test_client(), phone).status_code == 303


def test_a_weak_account_is_recovered_by_card_at_once(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn
) -> None:
    code = by_card(client, official(sign_in), card_of(citizen), "recovery").json["code"]

    assert recover(app.test_client(), code).status_code == 200
    assert world.log_in(app.test_client(), citizen.login_name, NEW).status_code == 303


def test_a_weak_password_leaves_the_ticket_unused(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn
) -> None:
    code = by_card(client, official(sign_in), card_of(citizen), "recovery").json["code"]

    assert recover(app.test_client(), code, "password123").status_code == 422
    assert recover(app.test_client(), code).status_code == 200


def test_lost_devices_open_nothing_after_recovery(
    app: Flask, client: FlaskClient, citizen: Citizen, sign_in: SignIn
) -> None:
    world.log_in(client, citizen.login_name)
    phone = Phone()
    ways.add_passkey(client, phone)
    terminal = sign_in(kind=Kind.TERMINAL, actor="terminal_1", terminal="terminal_1", scopes=["identity:recovery"])
    body = {"kind": "recovery", "reason": "手机丢失", "proof": proof_of(citizen, "recovery", "手机丢失")}
    code = client.post("/api/identity/recovery-tickets", json=body, headers=terminal).json["code"]

    recover(app.test_client(), code, lost="yes")

    assert ways.by_passkey(app.test_client(), phone).status_code == 401
    with unit_of_work():
        kinds = (
            session().scalars(select(Authenticator.kind).where(Authenticator.account_id == citizen.account_id)).all()
        )
    assert kinds == ["password"]


def change_password(browser: FlaskClient, password: str = NEW) -> Any:
    """Set a new password on the account's page."""
    token = world.form_token(ways.text(browser.get("/account/")))
    form = {"csrf_token": token, "password": password}
    return browser.post("/account/authenticators/password", data=form)


def test_a_code_by_message_sets_a_new_password_of_a_weak_account(
    app: Flask, client: FlaskClient, citizen: Citizen
) -> None:
    other = app.test_client()
    world.log_in(other, citizen.login_name)
    page = ways.text(ways.ask_code(client, citizen.login_name))
    ways.give_code(client, page, ways.carry(ways.hidden(page, "code_id")))

    assert client.get("/account/authenticators/password").status_code == 200
    assert change_password(client).status_code == 303

    assert other.get("/account/").status_code == 303
    assert client.get("/account/").status_code == 200
    assert world.log_in(app.test_client(), citizen.login_name, NEW).status_code == 303


def test_no_weaker_way_sets_the_password_of_a_strong_account(app: Flask, client: FlaskClient, citizen: Citizen) -> None:
    world.log_in(client, citizen.login_name)
    ways.add_passkey(client, Phone())
    weak = app.test_client()
    page = ways.text(ways.ask_code(weak, citizen.login_name))
    ways.give_code(weak, page, ways.carry(ways.hidden(page, "code_id")))

    answer = change_password(weak)

    assert answer.headers["Location"].startswith("/login?")
    assert world.answered(answer)["acr"] == "aal2"
    assert world.log_in(app.test_client(), citizen.login_name, NEW).status_code == 401


def test_an_old_log_in_is_asked_for_again_before_the_ways_in_change(client: FlaskClient, citizen: Citizen) -> None:
    world.log_in(client, citizen.login_name)
    with unit_of_work():
        session().execute(update(BrowserSession).values(authenticated_at=now() - timedelta(minutes=11)))

    assert client.get("/account/authenticators/password").headers["Location"].startswith("/login?")
    assert change_password(client).headers["Location"].startswith("/login?")


@pytest.mark.parametrize("password", ["", "short1A", "password123", "x" * 129])
def test_a_weak_new_password_is_refused_in_words(client: FlaskClient, citizen: Citizen, password: str) -> None:
    world.log_in(client, citizen.login_name)

    assert change_password(client, password).status_code == 422


def test_recovery_pages_tell_nothing_of_who_has_an_account(client: FlaskClient, citizen: Citizen) -> None:
    assert "login_name" not in ways.text(client.get("/recover"))


def _uses(city: Flask, use: Callable[[Ticket], object]) -> int:
    with city.app_context(), unit_of_work():
        citizen = world.new_citizen()
        add(
            Ticket(
                code_hash=secrets.token_bytes(32), kind="log-in", account_id=citizen.account_id, evidence="card",
                authentication_level=1, issued_by="person_o", reason="x", ready_at=now(),
                expires_at=now() + timedelta(minutes=1),
            )
        )  # fmt: skip
    barrier = Barrier(6, timeout=20)

    def one(_: int) -> int:
        with city.app_context(), unit_of_work():
            held = session().scalars(select(Ticket)).one()
            barrier.wait()
            try:
                use(held)
            except DomainError:
                return 0
            return 1

    with ThreadPoolExecutor(6) as pool:
        return sum(pool.map(one, range(6)))


def test_of_parallel_uses_of_a_ticket_one_counts(clean_city: Flask) -> None:
    assert _uses(clean_city, lambda held: tickets.use(held, source="192.0.2.1")) == 1


def test_the_trial_finds_a_ticket_that_is_read_before_it_is_used(clean_city: Flask) -> None:
    def broken(held: Ticket) -> None:
        if held.consumed_at is not None:
            raise tickets.WrongTicket
        held.consumed_at = now()

    assert _uses(clean_city, broken) > 1


def test_where_is_told_of_the_screen() -> None:
    assert Where("203.0.113.7").place == "203.0.*.*"
