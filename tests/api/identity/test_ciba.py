"""A program asks a person it knows; the person answers on the own pages; the program polls (OpenID CIBA Core 1.0)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db import UnitOfWork, now, session, unit_of_work
from app.notices import service as notices
from app.outbox import OutboxEvent
from identity.accounts.service import disable_account
from identity.oidc import jose
from identity.oidc.decoupled import requests
from identity.oidc.decoupled.tasks import ask_approval
from identity.oidc.models import DecoupledRequest
from identity.oidc.tokens import client_audience
from identity.parties.directory import directory
from tests.api.identity import programs, world
from tests.api.identity.programs import Program
from tests.api.identity.test_terminal_token import forged
from tests.api.identity.world import Citizen


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def program(work: UnitOfWork) -> Program:
    return programs.new_program()


def known_as(citizen: Citizen, program: Program) -> str:
    """Return the id by which the program knows the citizen."""
    with unit_of_work():
        return directory.subject_of(citizen.person_id, client_audience(program.id))


def asked(client: FlaskClient, citizen: Citizen, program: Program, **params: Any) -> str:
    """Ask the citizen and return the `auth_req_id`."""
    answer = programs.ask_person(client, program, **{"login_hint": known_as(citizen, program), **params})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    auth_req_id: str = answer.json["auth_req_id"]
    return auth_req_id


def answer_on_page(client: FlaskClient, citizen: Citizen, decision: str = "approve") -> str:
    """Let the citizen answer the only open question, and return the page it stood on."""
    world.log_in(client, citizen.login_name)
    page: str = client.get("/approvals").get_data(as_text=True)
    assert programs.decide(client, "/approvals", page, decision).status_code == 200
    return page


def test_program_gets_tokens_after_the_person_allowed_it(
    client: FlaskClient, citizen: Citizen, program: Program
) -> None:
    auth_req_id = asked(client, citizen, program, binding_message="W4SCT-7")
    assert programs.poll_ciba(client, program, auth_req_id).json["error"] == "authorization_pending"

    page = answer_on_page(client, citizen)

    assert "W4SCT-7" in page
    assert "专区程序" in page
    tokens = programs.poll_ciba(client, program, auth_req_id)
    assert tokens.status_code == 200
    assert jose.peek(tokens.json["id_token"])[1]["sub"] == known_as(citizen, program)
    assert programs.poll_ciba(client, program, auth_req_id).json["error"] == "invalid_grant"
    assert "目前没有需要您确认的请求" in client.get("/approvals").get_data(as_text=True)


def test_refusal_is_told_to_the_program(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    auth_req_id = asked(client, citizen, program)

    answer_on_page(client, citizen, "refuse")

    assert programs.poll_ciba(client, program, auth_req_id).json["error"] == "access_denied"


def test_person_gets_a_notice_through_the_outbox(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    asked(client, citizen, program)

    with unit_of_work():
        event = session().scalars(select(OutboxEvent).where(OutboxEvent.job == "identity.ask_approval")).one()
        for _ in range(2):
            ask_approval(**event.arguments)
        inbox = notices.inbox(party=citizen.person_id, language="en", cursor=None, limit=10)
    assert [(each.kind, each.link) for each in inbox.items] == [("identity.approval-asked", "/approvals")]
    assert "A plugin's program" in inbox.items[0].body


def test_no_notice_is_left_once_the_person_has_decided(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    asked(client, citizen, program)
    answer_on_page(client, citizen)

    with unit_of_work():
        event = session().scalars(select(OutboxEvent).where(OutboxEvent.job == "identity.ask_approval")).one()
        ask_approval(**event.arguments)
        assert notices.unread(citizen.person_id) == 0


def test_id_token_may_name_the_person(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    auth_req_id = asked(client, citizen, program)
    answer_on_page(client, citizen)
    hint = programs.poll_ciba(client, program, auth_req_id).json["id_token"]

    again = programs.ask_person(client, program, id_token_hint=hint)

    assert again.status_code == 200


def test_only_the_person_asked_can_answer(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    auth_req_id = asked(client, citizen, program)
    with unit_of_work():
        other = world.new_citizen("王二")
        request_id = session().scalars(select(DecoupledRequest.id)).one()
    world.log_in(client, other.login_name)
    page = client.get("/approvals").get_data(as_text=True)
    assert "目前没有需要您确认的请求" in page
    page = client.get("/device").get_data(as_text=True)

    for path in ("/approvals", "/device/decision"):
        assert programs.decide(client, path, page, request_id=request_id).status_code == 409

    assert programs.poll_ciba(client, program, auth_req_id).json["error"] == "authorization_pending"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no hint": ({"login_hint": None}, "invalid_request"),
    "two hints": ({"id_token_hint": "x.y.z"}, "invalid_request"),
    "hint token": ({"login_hint": None, "login_hint_token": "x"}, "invalid_request"),
    "bad id token": ({"login_hint": None, "id_token_hint": "x.y.z"}, "invalid_request"),
    "unknown person": ({"login_hint": "sub_" + "0" * 26}, "unknown_user_id"),
    "long hint": ({"login_hint": "x" * 5_000}, "unknown_user_id"),
    "party id": ({"login_hint": "person_" + "0" * 26}, "unknown_user_id"),
    "no openid": ({"scope": "profile"}, "invalid_scope"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "foreign scope": ({"scope": "openid presence:verify"}, "invalid_scope"),
    "long message": ({"binding_message": "x" * 41}, "invalid_binding_message"),
    "message of signs": ({"binding_message": "<b>pay</b>"}, "invalid_binding_message"),
    "message with a line": ({"binding_message": "a\nb"}, "invalid_binding_message"),
    "no expiry": ({"requested_expiry": "0"}, "invalid_request"),
    "negative expiry": ({"requested_expiry": "-1"}, "invalid_request"),
    "expiry in words": ({"requested_expiry": "soon"}, "invalid_request"),
    "expiry in other digits": ({"requested_expiry": "٣٠"}, "invalid_request"),
    "other resource": ({"resource": "https://elsewhere.test"}, "invalid_target"),
    "unknown details": ({"authorization_details": '[{"type":"x"}]'}, "invalid_authorization_details"),
}


@pytest.mark.parametrize(("params", "error"), WRONG.values(), ids=WRONG.keys())
def test_wrong_request_is_refused(
    client: FlaskClient, citizen: Citizen, program: Program, params: dict[str, Any], error: str
) -> None:
    hint = {"login_hint": known_as(citizen, program)}

    answer = programs.ask_person(client, program, **{**hint, **params})

    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_subject_id_of_another_client_names_nobody(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    with unit_of_work():
        other = programs.new_program()

    answer = programs.ask_person(client, other, login_hint=known_as(citizen, program))

    assert answer.json["error"] == "unknown_user_id"


def test_disabled_person_is_as_unknown_as_anybody(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    hint = known_as(citizen, program)
    with unit_of_work():
        disable_account(citizen.account_id)

    gone = programs.ask_person(client, program, login_hint=hint)
    never = programs.ask_person(client, program, login_hint="sub_" + "0" * 26)

    assert (gone.status_code, gone.json) == (never.status_code, never.json)


def test_public_or_unregistered_client_cannot_ask(client: FlaskClient, work: UnitOfWork) -> None:
    public = programs.new_device_client(grant_types=["urn:openid:params:grant-type:ciba"])
    other = programs.new_program(grant_types=["authorization_code"])

    form = {"scope": "openid", "login_hint": "x", "client_id": public}
    assert client.post("/oauth2/bc-authorize", data=form).json["error"] == "unauthorized_client"
    assert programs.ask_person(client, other, login_hint="x").json["error"] == "unauthorized_client"
    assert client.post("/oauth2/bc-authorize", data={"scope": "openid"}).json["error"] == "invalid_client"


def test_person_is_not_flooded(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    for _ in range(3):
        asked(client, citizen, program)

    answer = programs.ask_person(client, program, login_hint=known_as(citizen, program))

    assert (answer.status_code, answer.json["error"]) == (403, "access_denied")


def test_expired_request_leaves_the_page(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    auth_req_id = asked(client, citizen, program, requested_expiry="30")
    with unit_of_work():
        session().execute(update(DecoupledRequest).values(expires_at=now() - timedelta(seconds=1)))
    world.log_in(client, citizen.login_name)

    assert "目前没有需要您确认的请求" in client.get("/approvals").get_data(as_text=True)
    assert programs.poll_ciba(client, program, auth_req_id).json["error"] == "expired_token"


def test_auth_req_id_of_another_client_is_refused_and_stays_good(
    client: FlaskClient, citizen: Citizen, program: Program
) -> None:
    auth_req_id = asked(client, citizen, program)
    answer_on_page(client, citizen)
    with unit_of_work():
        other = programs.new_program()

    assert programs.poll_ciba(client, other, auth_req_id).json["error"] == "invalid_grant"
    assert programs.poll_ciba(client, program, auth_req_id).status_code == 200


def test_device_code_is_no_auth_req_id(client: FlaskClient, program: Program) -> None:
    form = {"scope": "openid", **program.credentials()}
    code = client.post("/oauth2/device_authorization", data=form).json["device_code"]

    assert programs.poll_ciba(client, program, code).json["error"] == "invalid_grant"


def signed_request(program: Program, hint: str, *, key: Any = None, header: Any = None, **changes: Any) -> str:
    """Return a signed authentication request, changed; None removes a claim."""
    present = int(time.time())
    good = {
        "iss": program.id, "aud": world.ISSUER, "iat": present, "nbf": present, "exp": present + 60,
        "jti": f"request-{time.time_ns()}", "scope": "openid", "login_hint": hint,
    }  # fmt: skip
    claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
    return jose.sign(claims, key or program.key, typ="JWT", header={"kid": programs.KID} if header is None else header)


def test_signed_request_is_believed_once(client: FlaskClient, citizen: Citizen, program: Program) -> None:
    signed = signed_request(program, known_as(citizen, program), binding_message="A-1")

    first = programs.ask_person(client, program, scope=None, request=signed)
    second = programs.ask_person(client, program, scope=None, request=signed)

    assert first.status_code == 200
    assert second.json["error_description"] == "the signed request: it was used before"


FORGED: dict[str, Callable[[Program, str], str]] = {
    "stranger's key": lambda p, h: signed_request(p, h, key=jose.new_key()),
    "unknown kid": lambda p, h: signed_request(p, h, header={"kid": "k9"}),
    "no kid": lambda p, h: signed_request(p, h, header={}),
    "own jwk": lambda p, h: signed_request(p, h, key=jose.new_key(), header={"kid": "k1", "jwk": {"kty": "EC"}}),
    "unknown crit": lambda p, h: forged({"iss": p.id}, {"alg": "ES256", "kid": "k1", "crit": ["x"]}, b"x" * 64),
    "other issuer": lambda p, h: signed_request(p, h, iss="client_other"),
    "no audience": lambda p, h: signed_request(p, h, aud=None),
    "audience array": lambda p, h: signed_request(p, h, aud=[world.ISSUER]),
    "other audience": lambda p, h: signed_request(p, h, aud=f"{world.ISSUER}/oauth2/bc-authorize"),
    "expired": lambda p, h: signed_request(p, h, exp=int(time.time()) - 1),
    "no exp": lambda p, h: signed_request(p, h, exp=None),
    "no nbf": lambda p, h: signed_request(p, h, nbf=None),
    "no iat": lambda p, h: signed_request(p, h, iat=None),
    "exp as text": lambda p, h: signed_request(p, h, exp="9999999999"),
    "too long": lambda p, h: signed_request(p, h, exp=int(time.time()) + 3_700),
    "from the future": lambda p, h: signed_request(p, h, nbf=int(time.time()) + 100, exp=int(time.time()) + 200),
    "no jti": lambda p, h: signed_request(p, h, jti=None),
    "short jti": lambda p, h: signed_request(p, h, jti="1"),
    "list inside": lambda p, h: signed_request(p, h, scope=["openid"]),
    "alg none": lambda p, h: "eyJhbGciOiJub25lIn0.e30.",
    "words": lambda p, h: "let me in",
    "client assertion": lambda p, h: p.signed(),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_forged_signed_request_is_refused(
    client: FlaskClient, citizen: Citizen, program: Program, forge: Callable[[Program, str], str]
) -> None:
    signed = forge(program, known_as(citizen, program))

    answer = programs.ask_person(client, program, scope=None, request=signed)

    assert answer.status_code == 400
    assert answer.json["error"] in ("invalid_request", "invalid_scope")


def test_parameters_beside_a_signed_request_are_refused(
    client: FlaskClient, citizen: Citizen, program: Program
) -> None:
    signed = signed_request(program, known_as(citizen, program))

    assert programs.ask_person(client, program, request=signed).json["error"] == "invalid_request"


def city_with_approved(city: Flask) -> tuple[Program, str]:
    """Return a program and its approved `auth_req_id`, on a city that really commits."""
    with city.app_context(), unit_of_work():
        citizen, program = world.new_citizen(), programs.new_program()
    with city.app_context():
        hint = known_as(citizen, program)
    client = city.test_client()
    auth_req_id: str = programs.ask_person(client, program, login_hint=hint).json["auth_req_id"]
    answer_on_page(client, citizen)
    return program, auth_req_id


def winners(city: Flask, program: Program, auth_req_id: str, times: int) -> int:
    """Return how many of so many polls at once get tokens."""
    statuses = programs.side_by_side(
        times, lambda _: int(programs.poll_ciba(city.test_client(), program, auth_req_id).status_code)
    )
    return statuses.count(200)


def test_of_parallel_polls_exactly_one_wins(clean_city: Flask) -> None:
    assert winners(clean_city, *city_with_approved(clean_city), 6) == 1


def test_control_that_reads_before_it_writes_lets_two_polls_win(
    clean_city: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, auth_req_id = city_with_approved(clean_city)
    both_have_read = Barrier(2, timeout=20)

    def read_then_write(secret: str, **_: str) -> str:
        with unit_of_work():
            found = session().scalars(
                select(DecoupledRequest).where(DecoupledRequest.secret_hash == requests.secret_hash(secret))
            )
            row = found.one()
            both_have_read.wait()
            row.state = "consumed"
        return str(row.grant_id)

    monkeypatch.setattr(sys.modules["identity.oidc.grants.ciba"], "collect", read_then_write)

    assert winners(clean_city, program, auth_req_id, 2) == 2
