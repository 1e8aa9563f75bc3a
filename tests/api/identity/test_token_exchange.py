"""A plugin's program calls another audience for the citizen who called it (RFC 8693)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.audit import about
from app.db import UnitOfWork, session, unit_of_work
from identity.accounts.service import disable_account
from identity.oidc import jose, tokens
from identity.oidc.access import Wanted
from identity.oidc.models import AuthorizationGrant, Client
from identity.oidc.revocation import revoke
from identity.parties.directory import directory
from tests.api.identity import programs, world
from tests.api.identity.programs import Program
from tests.api.identity.test_access_token import resigned
from tests.api.identity.test_terminal_token import forged
from tests.api.identity.world import Citizen

BOTH = f"{world.ISSUER} {world.HEALTH}"
ACCESS = {"suxin": ["openid", "profile"], "health": ["health:read"], "housing": ["housing:write"]}


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def health(work: UnitOfWork) -> Program:
    return programs.new_program(serves="health", access={"suxin": ["profile"], "housing": ["housing:write"]})


def citizen_token(client: FlaskClient, citizen: Citizen, access: dict[str, list[str]] | None = None) -> str:
    """Return a token of the health audience out of a consent to several audiences."""
    with unit_of_work():
        app_client = world.new_client()
        session().execute(update(Client).where(Client.id == app_client).values(access=access or ACCESS))
        grant = _grant(citizen, app_client, access or ACCESS)
        return tokens.for_citizen(grant, Wanted("health", ("health:read",)))


def _grant(citizen: Citizen, client_id: str, access: dict[str, list[str]]) -> AuthorizationGrant:
    from app.db import add, now

    return add(
        AuthorizationGrant(
            account_id=citizen.account_id, person_id=citizen.person_id, client_id=client_id, session_id="session_x",
            access=access, proofing_level=4, authentication_level=1, authenticated_at=now(),
        )
    )  # fmt: skip


def test_program_gets_a_token_of_the_other_audience_that_says_who_acts(
    client: FlaskClient, citizen: Citizen, health: Program
) -> None:
    subject = citizen_token(client, citizen)

    answer = programs.exchange(client, health, subject)

    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.json["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert answer.json["scope"] == "profile"
    assert "refresh_token" not in answer.json
    claims = jose.peek(answer.json["access_token"])[1]
    assert (claims["aud"], claims["client_id"], claims["act"]) == (world.ISSUER, health.id, {"sub": health.id})
    assert claims["exp"] <= jose.peek(subject)[1]["exp"]
    me = client.get("/api/identity/me", headers=world.bearer(answer.json["access_token"]))
    assert me.json["name"] == "陈**"


def test_ids_of_two_audiences_never_meet_in_one_token(client: FlaskClient, citizen: Citizen, health: Program) -> None:
    subject = citizen_token(client, citizen)
    exchanged = programs.exchange(client, health, subject).json["access_token"]

    held, given = (jose.peek(each)[1] for each in (subject, exchanged))

    for claim in ("sub", "sid", "jti"):
        assert held[claim] not in str(given)
    assert citizen.person_id not in str(given)


def test_acting_is_nested_and_carries_the_new_audience_ids(
    client: FlaskClient, citizen: Citizen, health: Program
) -> None:
    with unit_of_work():
        housing = programs.new_program(serves="housing", access={"suxin": ["profile"]})
        guardian = directory.subject_of(citizen.person_id, "health")
        seen_by_core = directory.subject_of(citizen.person_id, "suxin")
    subject = resigned(citizen_token(client, citizen), act={"sub": guardian})
    first = programs.exchange(client, health, subject, resource=f"{world.ISSUER}/api/housing").json["access_token"]

    second = programs.exchange(client, housing, first).json["access_token"]

    assert jose.peek(second)[1]["act"] == {
        "sub": housing.id, "act": {"sub": health.id, "act": {"sub": seen_by_core}}
    }  # fmt: skip
    assert guardian not in str(jose.peek(second)[1])


def test_chain_of_actors_has_an_end(client: FlaskClient, citizen: Citizen, health: Program) -> None:
    act: dict[str, Any] = {"sub": "client_0"}
    for number in range(1, 5):
        act = {"sub": f"client_{number}", "act": act}

    answer = programs.exchange(client, health, resigned(citizen_token(client, citizen), act=act))

    assert answer.json["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("granted", "params", "error"),
    [
        ({"suxin": ["openid"], "health": ["health:read"]}, {}, "invalid_target"),
        ({"health": ["health:read"]}, {}, "invalid_target"),
        (ACCESS, {"scope": "openid"}, "invalid_scope"),
        (ACCESS, {"scope": "health:read"}, "invalid_scope"),
        (ACCESS, {"resource": world.HEALTH}, "invalid_target"),
        (ACCESS, {"resource": "https://elsewhere.test"}, "invalid_target"),
        (ACCESS, {"resource": f"{world.ISSUER}/api/jobs"}, "invalid_target"),
        (ACCESS, {"audience": "suxin"}, "invalid_request"),
        (ACCESS, {"actor_token": "x"}, "invalid_request"),
        (ACCESS, {"subject_token": None}, "invalid_request"),
        (ACCESS, {"subject_token_type": None}, "invalid_request"),
        (ACCESS, {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        (ACCESS, {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
    ],
)
def test_more_than_was_granted_is_refused(  # noqa: PLR0917 - three of them are a row
    client: FlaskClient, citizen: Citizen, health: Program, granted: Any, params: dict[str, Any], error: str
) -> None:
    answer = programs.exchange(client, health, citizen_token(client, citizen, granted), **params)

    assert (answer.status_code, answer.json["error"]) == (400, error)


BAD: dict[str, Callable[[str], str]] = {
    "for another audience": lambda t: resigned(t, aud=world.ISSUER),
    "expired": lambda t: resigned(t, iat=int(time.time()) - 400, exp=int(time.time()) - 1),
    "another issuer": lambda t: resigned(t, iss="https://evil.test"),
    "a terminal's": lambda t: resigned(t, kind="terminal"),
    "a program's own": lambda t: resigned(t, kind="client"),
    "another family": lambda t: resigned(t, sid="a" * 24),
    "no family": lambda t: resigned(t, sid=None),
    "family in a list": lambda t: resigned(t, sid=["x"]),
    "a stranger's sub": lambda t: resigned(t, sub="sub_" + "0" * 26),
    "act is a text": lambda t: resigned(t, act="client_x"),
    "act without sub": lambda t: resigned(t, act={"x": 1}),
    "act of a stranger": lambda t: resigned(t, act={"sub": "sub_" + "0" * 26}),
    "an ID token": lambda t: resigned(t, header={"typ": "JWT"}),
    "a stranger's key": lambda t: resigned(t, key=jose.new_key()),
    "no signature": lambda t: t.rpartition(".")[0] + ".",
    "alg none": lambda t: forged(jose.peek(t)[1], {"alg": "none", "typ": "at+jwt"}),
    "alg HS256": lambda t: forged(jose.peek(t)[1], {"alg": "HS256", "typ": "at+jwt"}, b"x" * 32),
    "words": lambda t: "let me in",
    "oversize": lambda t: t + "A" * 9_000,
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD.keys())
def test_bad_subject_token_is_refused(
    client: FlaskClient, citizen: Citizen, health: Program, work: UnitOfWork, spoil: Callable[[str], str]
) -> None:
    # The list of the withdrawn is asked by the claims' own values only while it names anybody.
    with unit_of_work():
        revoke("jti", "of-another-token")

    answer = programs.exchange(client, health, spoil(citizen_token(client, citizen)))

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_program_of_another_plugin_cannot_use_the_token(
    client: FlaskClient, citizen: Citizen, work: UnitOfWork
) -> None:
    subject = citizen_token(client, citizen)
    with unit_of_work():
        strangers = [programs.new_program(serves="housing"), programs.new_program()]

    for stranger in strangers:
        assert programs.exchange(client, stranger, subject).json["error"] == "invalid_request"


def test_public_client_cannot_exchange(client: FlaskClient, citizen: Citizen, work: UnitOfWork) -> None:
    subject = citizen_token(client, citizen)
    with unit_of_work():
        public = programs.new_device_client(serves="health", grant_types=[programs.EXCHANGE])
    form = {"grant_type": programs.EXCHANGE, "client_id": public, "subject_token": subject}

    assert client.post("/oauth2/token", data=form).json["error"] == "unauthorized_client"


@pytest.mark.parametrize("end", ["grant", "account", "client", "program"])
def test_end_of_what_it_stands_on_ends_exchange_and_token(
    client: FlaskClient, citizen: Citizen, health: Program, end: str
) -> None:
    subject = citizen_token(client, citizen)
    exchanged = programs.exchange(client, health, subject).json["access_token"]

    with unit_of_work():
        _end(end, citizen, health, jose.peek(subject)[1]["client_id"])

    assert programs.exchange(client, health, subject).status_code in (400, 401)
    if end in ("grant", "account"):
        assert client.get("/api/identity/me", headers=world.bearer(exchanged)).status_code == 401


def _end(what: str, citizen: Citizen, health: Program, client_id: str) -> None:
    from identity.oidc.revocation import revoke_grant

    if what == "grant":
        revoke_grant(session().scalars(select(AuthorizationGrant)).one())
    elif what == "account":
        disable_account(citizen.account_id)
    else:
        ended = client_id if what == "client" else health.id
        session().execute(update(Client).where(Client.id == ended).values(state="disabled"))


def test_exchange_is_told_to_the_citizen(client: FlaskClient, citizen: Citizen, health: Program) -> None:
    programs.exchange(client, health, citizen_token(client, citizen))

    with unit_of_work():
        told = [entry for entry in about(citizen.person_id) if entry.action == "identity.token-exchanged"]
    assert [(entry.actor, entry.kind) for entry in told] == [(health.id, "client")]
