"""Codes, request URIs, assertions and proofs: of many parallel uses one wins; a store that reads first lets more in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.db import add, now, session, unit_of_work
from identity.oidc import client_keys, pushed, replay
from identity.oidc.models import AuthorizationCode, AuthorizationGrant, PushedRequest, ReplayKey
from tests.api.identity import fapi, world
from tests.api.identity.fapi import App
from tests.api.identity.world import Pkce

PARALLEL = 6


def parallel(work: Callable[[], Any]) -> list[Any]:
    """Run the same thing in threads that start together."""
    barrier = threading.Barrier(PARALLEL)

    def started(_: int) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(started, range(PARALLEL)))


def new_client(city: Flask, make: Callable[[], App]) -> tuple[App, world.Citizen]:
    with city.app_context(), unit_of_work():
        return make(), world.new_citizen()


def statuses(answers: list[Any]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


class ReadFirst:
    """The control's store: look, wait until all have looked, then write without asking."""

    def __init__(self) -> None:
        self.all_looked = threading.Barrier(PARALLEL)

    def seen_before(self, uses: list[replay.Once]) -> list[replay.Once]:
        with unit_of_work(read_only=True):
            known = set(session().scalars(select(ReplayKey.value)))
        self.all_looked.wait()
        with unit_of_work():
            session().execute(insert(ReplayKey).on_conflict_do_nothing(), [
                {"namespace": each.namespace, "value": each.value, "expires_at": each.until} for each in uses
            ])  # fmt: skip
        return [each for each in uses if each.value in known]


def asking(city: Flask, app: App, *, jti: str | None = None, proof: str | None = None) -> Callable[[], Any]:
    """Return a call for a token that repeats the assertion's jti, or the proof."""
    client = city.test_client()

    def ask() -> Any:
        signed = fapi.assertion(app, jti=jti) if jti else fapi.assertion(app)
        form = {"grant_type": "client_credentials", "client_assertion_type": fapi.ASSERTION_TYPE,
                "client_assertion": signed}  # fmt: skip
        assert app.dpop is not None
        own = proof or fapi.proof(client, app.dpop, "/oauth2/token")
        return city.test_client().post("/oauth2/token", data=form, headers={"DPoP": own})

    return ask


@pytest.mark.parametrize("what", ["assertion", "proof"])
def test_of_parallel_uses_of_an_assertion_or_a_proof_one_wins(clean_city: Flask, what: str) -> None:
    app, _ = new_client(clean_city, fapi.new_fapi)
    assert app.dpop is not None
    again = {"jti": "j" * 20} if what == "assertion" else {
        "proof": fapi.proof(clean_city.test_client(), app.dpop, "/oauth2/token")
    }  # fmt: skip

    answers = parallel(asking(clean_city, app, **again))

    assert statuses(answers)[0] == 200
    assert statuses(answers).count(200) == 1
    errors = {answer.json.get("error") for answer in answers if answer.status_code != 200}
    assert errors == {"invalid_client" if what == "assertion" else "invalid_dpop_proof"}


@pytest.mark.parametrize("what", ["assertion", "proof"])
def test_a_store_that_reads_first_would_let_all_in(
    clean_city: Flask, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    app, _ = new_client(clean_city, fapi.new_fapi)
    assert app.dpop is not None
    store = ReadFirst()
    monkeypatch.setattr(client_keys, "spend", lambda _signer, uses: store.seen_before(uses))
    again = {"jti": "j" * 20} if what == "assertion" else {
        "proof": fapi.proof(clean_city.test_client(), app.dpop, "/oauth2/token")
    }  # fmt: skip

    answers = parallel(asking(clean_city, app, **again))

    assert statuses(answers) == [200] * PARALLEL


def test_proof_is_single_use_at_resources_too(clean_city: Flask) -> None:
    app, citizen = new_client(clean_city, fapi.new_fapi)
    client = clean_city.test_client()
    token = fapi.tokens(client, app, citizen)["access_token"]
    assert app.dpop is not None
    headers = {
        "Authorization": f"DPoP {token}",
        "DPoP": fapi.proof(client, app.dpop, "/api/identity/me", method="GET", token=token),
    }

    answers = parallel(lambda: clean_city.test_client().get("/api/identity/me", headers=headers))

    assert statuses(answers) == [200] + [401] * (PARALLEL - 1)


def test_one_proof_serves_one_endpoint(clean_city: Flask) -> None:
    """The jti of a proof is spent whatever the address: a namespace of its own, apart from assertions."""
    app, _ = new_client(clean_city, fapi.new_fapi)
    assert app.dpop is not None
    proof = fapi.proof(clean_city.test_client(), app.dpop, "/oauth2/token", jti="same-jti-in-both-places")

    first = asking(clean_city, app, jti="same-jti-in-both-places", proof=proof)()

    assert first.status_code == 200, first.json


def city_with_code(city: Flask) -> tuple[App, str, Pkce]:
    app, citizen = new_client(city, fapi.new_app)
    code, pkce = fapi.new_code(city.test_client(), app, citizen)
    return app, code, pkce


def test_of_parallel_redemptions_one_wins_and_its_tokens_end(clean_city: Flask) -> None:
    app, code, pkce = city_with_code(clean_city)

    answers = parallel(lambda: fapi.redeem(clean_city.test_client(), app, code, pkce))

    # The others are replays, so the winner's tokens are withdrawn; it may even find its grant gone before it answers.
    assert statuses(answers).count(200) <= 1
    with clean_city.app_context(), unit_of_work(read_only=True):
        assert session().scalars(select(AuthorizationGrant.revoked_at)).one() is not None


def test_a_redemption_that_reads_first_would_let_all_in(clean_city: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import import_module

    module = import_module("identity.oidc.grants.authorization_code")
    app, code, pkce = city_with_code(clean_city)
    all_looked = threading.Barrier(PARALLEL)

    def careless(shown: str, caller: Any) -> tuple[AuthorizationCode, AuthorizationGrant]:
        with unit_of_work():
            found = session().scalars(
                select(AuthorizationCode).where(
                    AuthorizationCode.code_hash == module.code_hash(shown), AuthorizationCode.consumed_at.is_(None)
                )
            ).one()  # fmt: skip
            all_looked.wait()
            session().execute(update(AuthorizationCode).values(consumed_at=now()))
            grant = session().get(AuthorizationGrant, found.grant_id)
            assert grant is not None
            return found, grant

    monkeypatch.setattr(module, "_consume", careless)

    answers = parallel(lambda: fapi.redeem(clean_city.test_client(), app, code, pkce))

    assert statuses(answers) == [200] * PARALLEL


def city_with_request(city: Flask) -> Callable[[], Any]:
    """Return an approval of one pushed request by a browser, to be repeated."""
    app, citizen = new_client(city, fapi.new_fapi)
    client = city.test_client()
    world.log_in(client, citizen.login_name)
    query = fapi.query(client, app, Pkce.fresh())
    page = client.get(f"/oauth2/authorize?{query}").get_data(as_text=True)
    form = {"csrf_token": world.form_token(page), "request": query, "decision": "approve"}
    cookie = client.get_cookie("suxin-session")
    assert cookie is not None

    def approve() -> Any:
        own = city.test_client()
        own.set_cookie("suxin-session", cookie.value)
        return own.post("/oauth2/authorize", data=form)

    return approve


def test_of_parallel_approvals_of_a_pushed_request_one_gives_a_code(clean_city: Flask) -> None:
    answers = parallel(city_with_request(clean_city))

    assert statuses(answers) == [303] + [400] * (PARALLEL - 1)
    with clean_city.app_context(), unit_of_work(read_only=True):
        assert len(session().scalars(select(AuthorizationCode.code_hash)).all()) == 1


def test_a_request_that_is_read_first_would_give_many_codes(clean_city: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    all_looked = threading.Barrier(PARALLEL)

    def careless(uri_hash: bytes) -> None:
        with unit_of_work():
            found = session().get(PushedRequest, uri_hash)
            assert found is not None
            assert found.consumed_at is None
            all_looked.wait()
            session().execute(update(PushedRequest).values(consumed_at=now()))

    monkeypatch.setattr(pushed, "consume", careless)

    answers = parallel(city_with_request(clean_city))

    assert statuses(answers) == [303] * PARALLEL


def test_mark_of_an_earlier_use_survives_a_restart(clean_city: Flask) -> None:
    app, _ = new_client(clean_city, fapi.new_fapi)
    ask = asking(clean_city, app, jti="before-the-restart")
    assert ask().status_code == 200

    clean_city.extensions.pop("identity.signers")  # what a process forgets when it ends

    assert ask().json["error"] == "invalid_client"


def test_sweep_forgets_only_what_has_expired(clean_city: Flask) -> None:
    from datetime import timedelta

    with clean_city.app_context(), unit_of_work():
        for name, minutes in (("old", -1), ("young", 5)):
            add(ReplayKey(namespace="t", value=name.encode(), expires_at=now() + timedelta(minutes=minutes)))
    with clean_city.app_context(), unit_of_work():
        assert replay.forget_expired() == 1
        assert session().scalars(select(ReplayKey.value)).all() == [b"young"]
