"""Refresh families: rotation, reuse, the lost answer, and what one refresh may cost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db import UnitOfWork, now, session, unit_of_work
from app.hotpath.statement import Lines
from identity.accounts.service import disable_account
from identity.oidc import jose, refresh_token
from identity.oidc.access import wanted
from identity.oidc.grants.issued import live_grant
from identity.oidc.models import AuthorizationGrant
from tests.api.identity import fapi, world
from tests.api.identity.fapi import App
from tests.api.identity.world import Citizen


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def app_client(work: UnitOfWork) -> App:
    return fapi.new_app()


def city_with_family(city: Flask, **kind: Any) -> tuple[FlaskClient, App, dict[str, Any]]:
    """Return a client and its tokens on a city that really commits, so that a refusal leaves its mark."""
    with city.app_context(), unit_of_work():
        citizen, app_client = world.new_citizen(), fapi.new_app(**kind)
    client = city.test_client()
    return client, app_client, fapi.tokens(client, app_client, citizen)


def later(seconds: int) -> None:
    """Let the latest rotation have happened so long ago."""
    with unit_of_work():
        moment = AuthorizationGrant.refreshed_at - timedelta(seconds=seconds)
        session().execute(update(AuthorizationGrant).values(refreshed_at=moment))


def works(client: FlaskClient, app: App, token: str) -> bool:
    stranger = client.application.test_client()
    return bool(fapi.read(stranger, app, token, "/api/identity/me").status_code == 200)


def test_each_refresh_gives_a_successor(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]
    seen = {held}

    for _ in range(3):
        body = fapi.refresh(client, app_client, held).json
        held = body["refresh_token"]
        assert held not in seen
        assert works(client, app_client, body["access_token"])
        seen.add(held)


def test_lost_answer_is_given_again_with_the_same_successor(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]

    lost, again = (fapi.refresh(client, app_client, held).json for _ in range(2))

    assert lost["refresh_token"] == again["refresh_token"]
    assert fapi.refresh(client, app_client, again["refresh_token"]).status_code == 200


def test_used_token_ends_the_family_once_the_answer_cannot_have_been_lost(
    clean_city: Flask,
) -> None:
    client, app_client, first = city_with_family(clean_city)
    held = first["refresh_token"]
    body = fapi.refresh(client, app_client, held).json
    with clean_city.app_context():
        later(11)

    assert fapi.refresh(client, app_client, held).json["error"] == "invalid_grant"

    assert fapi.refresh(client, app_client, body["refresh_token"]).json["error"] == "invalid_grant"
    assert not works(client, app_client, body["access_token"])


def test_token_two_generations_old_ends_the_family_at_once(clean_city: Flask) -> None:
    client, app_client, body = city_with_family(clean_city)
    first = body["refresh_token"]
    second = fapi.refresh(client, app_client, first).json["refresh_token"]
    third = fapi.refresh(client, app_client, second).json["refresh_token"]

    assert fapi.refresh(client, app_client, first).json["error"] == "invalid_grant"
    assert fapi.refresh(client, app_client, third).json["error"] == "invalid_grant"


def test_public_clients_tokens_are_bound_to_the_key_of_the_code(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        app_client = fapi.new_app(dpop=True)
    body = fapi.tokens(client, app_client, citizen)
    assert body["token_type"] == "DPoP"

    for thief in (app_client.bound(), replace(app_client, dpop=None)):
        assert fapi.refresh(client, thief, body["refresh_token"]).json["error"] == "invalid_grant"

    assert fapi.refresh(client, app_client, body["refresh_token"]).status_code == 200


def test_lost_answer_of_a_bound_family_is_for_its_key_only(clean_city: Flask) -> None:
    client, app_client, body = city_with_family(clean_city, dpop=True)
    held = body["refresh_token"]
    successor = fapi.refresh(client, app_client, held).json["refresh_token"]

    assert fapi.refresh(client, app_client.bound(), held).json["error"] == "invalid_grant"
    assert fapi.refresh(client, app_client, successor).json["error"] == "invalid_grant"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_confidential_baseline_clients_rotate_too(client: FlaskClient, citizen: Citizen, method: str) -> None:
    with unit_of_work():
        app_client = fapi.new_app(method)
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]

    assert fapi.refresh(client, app_client, held).json["refresh_token"] != held


def test_refresh_may_ask_for_less_and_not_for_more(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    held = fapi.tokens(client, app_client, citizen, scope="openid profile")["refresh_token"]

    more = fapi.refresh(client, app_client, held, scope="openid phone")
    assert (more.status_code, more.json["error"]) == (400, "invalid_scope")
    less = fapi.refresh(client, app_client, held, scope="openid")  # the refusal cost nothing
    assert less.json["scope"] == "openid"
    assert fapi.refresh(client, app_client, less.json["refresh_token"]).json["scope"] == "openid profile"


def test_refresh_chooses_among_the_resources_consented_to(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    resources = [world.ISSUER, world.HEALTH]
    pkce = world.Pkce.fresh()
    world.log_in(client, citizen.login_name)
    query = "&".join([fapi.query(client, app_client, pkce, scope="openid health:read"),
                      *(f"resource={each}" for each in resources)])  # fmt: skip
    code = world.code_of(world.approve(client, query))
    held = fapi.redeem(client, app_client, code, pkce).json["refresh_token"]

    health = fapi.refresh(client, app_client, held, resource=world.HEALTH).json
    assert jose.peek(health["access_token"])[1]["aud"] == world.HEALTH
    assert health["scope"] == "health:read"
    other = fapi.refresh(client, app_client, health["refresh_token"], resource=f"{world.ISSUER}/api/housing")
    assert other.json["error"] == "invalid_target"


def test_session_bound_family_ends_with_the_session_and_an_offline_one_goes_on(
    client: FlaskClient, citizen: Citizen, app_client: App
) -> None:
    bound = fapi.tokens(client, app_client, citizen)["refresh_token"]
    pkce = world.Pkce.fresh()
    code = world.code_of(world.approve(client, fapi.query(client, app_client, pkce, scope="openid offline_access")))
    offline = fapi.redeem(client, app_client, code, pkce).json["refresh_token"]
    page = client.get("/login").get_data(as_text=True)

    client.post("/logout", data={"csrf_token": world.form_token(page)})

    assert fapi.refresh(client, app_client, bound).json["error"] == "invalid_grant"
    assert fapi.refresh(client, app_client, offline).status_code == 200


def test_family_ends_when_its_time_is_over(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]
    with unit_of_work():
        session().execute(update(AuthorizationGrant).values(expires_at=now() - timedelta(seconds=1)))

    assert fapi.refresh(client, app_client, held).json["error"] == "invalid_grant"


def test_disabled_account_refreshes_no_more(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]
    with unit_of_work():
        disable_account(citizen.account_id)

    assert fapi.refresh(client, app_client, held).json["error"] == "invalid_grant"


def test_revoked_refresh_token_ends_the_family(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    body = fapi.tokens(client, app_client, citizen)

    assert fapi.post(client, app_client, "/oauth2/revoke", token=body["refresh_token"]).status_code == 200

    assert fapi.refresh(client, app_client, body["refresh_token"]).json["error"] == "invalid_grant"
    assert not works(client, app_client, body["access_token"])


def test_another_client_cannot_revoke_a_refresh_token(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    body = fapi.tokens(client, app_client, citizen)
    with unit_of_work():
        other = fapi.new_app()

    assert fapi.post(client, other, "/oauth2/revoke", token=body["refresh_token"]).status_code == 200
    assert fapi.refresh(client, app_client, body["refresh_token"]).status_code == 200


FORGED: dict[str, Callable[[str, str], str]] = {
    "empty": lambda t, c: "x",
    "no mac": lambda t, c: t.rpartition(".")[0] + ".",
    "mac cut": lambda t, c: t[:-1],
    "mac zero": lambda t, c: t.rpartition(".")[0] + "." + "A" * 43,
    "generation ahead": lambda t, c: t.replace(".0.", ".1."),
    "generation negative": lambda t, c: t.replace(".0.", ".-1."),
    "generation huge": lambda t, c: t.replace(".0.", ".9999999999."),
    "generation with a zero before": lambda t, c: t.replace(".0.", ".00."),
    "arabic digit": lambda t, c: t.replace(".0.", ".٠."),
    "another grant": lambda t, c: "grant_" + "0" * 26 + t[t.index(".") :],
    "made for another client": lambda t, c: refresh_token.made(t.partition(".")[0], "client_other", 0),
    "made ahead": lambda t, c: refresh_token.made(t.partition(".")[0], c, 1),
    "of no grant": lambda t, c: refresh_token.made("grant_" + "0" * 26, c, 0),
    "twice": lambda t, c: t + t,
    "with a blank": lambda t, c: t + " ",
    "upper case": lambda t, c: t.upper(),
    "long": lambda t, c: t + "A" * 5000,
    "control sign": lambda t, c: t + "\x1f",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_forged_refresh_token_is_refused_and_harms_nobody(
    client: FlaskClient, citizen: Citizen, app_client: App, forge: Callable[[str, str], str]
) -> None:
    held = fapi.tokens(client, app_client, citizen)["refresh_token"]

    answer = fapi.refresh(client, app_client, forge(held, app_client.id))

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
    assert fapi.refresh(client, app_client, held).status_code == 200


def test_access_token_or_id_token_is_no_refresh_token(client: FlaskClient, citizen: Citizen, app_client: App) -> None:
    body = fapi.tokens(client, app_client, citizen)

    for name in ("access_token", "id_token"):
        assert fapi.refresh(client, app_client, body[name]).json["error"] == "invalid_grant"


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Gather every SQL statement that is sent; the pool's own pings are no part of anybody's work."""
    seen: list[str] = []
    real = psycopg.Cursor.execute

    def noted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if str(query).upper() not in ("SELECT 1", ";"):
            seen.append(str(query))
        return real(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    run = Lines._run

    def noted_on_a_line(self: Lines, statement: Any, parameters: Any) -> Any:
        seen.append(statement.sql.decode())
        return run(self, statement, parameters)

    monkeypatch.setattr(Lines, "_run", noted_on_a_line)
    return seen


KINDS: dict[str, dict[str, Any]] = {
    "public": {},
    "secret": {"method": "client_secret_basic"},
    "key": {"method": "private_key_jwt", "profile": "fapi2", "dpop": True},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_refresh_takes_at_most_three_statements(clean_city: Flask, statements: list[str], kind: dict[str, Any]) -> None:
    client, app_client, body = city_with_family(clean_city, **kind)
    held = fapi.refresh(client, app_client, body["refresh_token"]).json["refresh_token"]

    statements.clear()
    assert fapi.refresh(client, app_client, held).status_code == 200

    assert len(statements) <= 3, "\n".join(statements)


def test_log_in_takes_at_most_eight_statements(clean_city: Flask, statements: list[str]) -> None:
    client = clean_city.test_client()
    with clean_city.app_context(), unit_of_work():
        citizen, app_client = world.new_citizen(), fapi.new_app()
    fapi.tokens(client, app_client, citizen)
    pkce = world.Pkce.fresh()

    # With the session and the consent there, what is left of a log-in is the code and its redemption.
    statements.clear()
    code = world.code_of(client.get(f"/oauth2/authorize?{fapi.query(client, app_client, pkce)}"))
    assert fapi.redeem(client, app_client, code, pkce).status_code == 200

    assert len(statements) <= 8, "\n".join(statements)


PARALLEL = 6


def parallel(work: Callable[[int], Any]) -> list[Any]:
    """Run the same thing in many threads that start together."""
    barrier = threading.Barrier(PARALLEL)

    def started(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(started, range(PARALLEL)))


def test_parallel_refreshes_make_one_successor(clean_city: Flask) -> None:
    _, app_client, body = city_with_family(clean_city)
    held = body["refresh_token"]

    answers = parallel(lambda _: fapi.refresh(clean_city.test_client(), app_client, held))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    with clean_city.app_context(), unit_of_work(read_only=True):
        assert session().scalars(select(AuthorizationGrant.refresh_generation)).all() == [1]


def test_a_reading_rotation_would_make_several_successors(clean_city: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: read, then write what was read, as a rotation must not."""
    both_have_read = threading.Barrier(PARALLEL)

    def careless(caller: Any, shown: Any, params: dict[str, str]) -> Any:
        with unit_of_work():
            grant = live_grant(shown.grant_id)
            assert grant is not None
            both_have_read.wait()
            session().execute(
                update(AuthorizationGrant)
                .where(AuthorizationGrant.id == grant.id)
                .values(refresh_generation=AuthorizationGrant.refresh_generation + 1, refreshed_at=now())
                .execution_options(synchronize_session=False)
            )
            return grant, wanted(params, grant.access), []

    monkeypatch.setattr(import_module("identity.oidc.grants.refresh"), "_rotated", careless)
    _, app_client, body = city_with_family(clean_city)
    held = body["refresh_token"]

    parallel(lambda _: fapi.refresh(clean_city.test_client(), app_client, held))

    with clean_city.app_context(), unit_of_work(read_only=True):
        assert session().scalars(select(AuthorizationGrant.refresh_generation)).all() == [PARALLEL]
