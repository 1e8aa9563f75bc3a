"""The demo world is seeded once, and its export is enough to use it."""

from __future__ import annotations

import secrets
import time
from typing import Any

from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from sqlalchemy import func, select, text

from app.db import UnitOfWork, session, unit_of_work
from app.principal import SYSTEM, acting_as
from demo import world as invented
from identity import demo
from identity.oidc import jose
from identity.parties.models import Person
from tests.api.identity import fapi, programs, world
from tests.api.identity.fapi import App


def test_seed_runs_once_and_its_export_opens_the_city(client: FlaskClient, work: UnitOfWork) -> None:
    with acting_as(SYSTEM):
        for _ in range(2):
            with unit_of_work():
                demo.seed()
    with unit_of_work():
        told = demo.export()
        persons = session().scalar(select(func.count()).select_from(Person).where(Person.demo_key.is_not(None)))

    assert persons == len(invented.load().citizens) == len(told["persons"])
    terminal, person = told["terminals"][0], told["persons"][0]
    claims = {
        "iss": terminal["client_id"],
        "sub": terminal["client_id"],
        "aud": told["issuer"],
        "iat": int(time.time()),
        "exp": int(time.time()) + 30,
        "jti": secrets.token_urlsafe(12),
    }
    signed = jose.sign(claims, ECKey.import_key(terminal["private_jwk"]), typ="JWT")
    assert world.ask_token(client, signed).status_code == 200
    assert world.log_in(client, person["login_name"], person["password"]).status_code == 303
    assert client.get("/api/identity/me").json["mobile_tail"] == person["mobile"][-4:]


def _as_app(told: dict[str, Any]) -> App:
    key = ECKey.import_key(told["private_jwk"]) if "private_jwk" in told else jose.new_key()
    made = App(told["client_id"], told["token_endpoint_auth_method"], told.get("client_secret", ""), key)
    return made.bound() if told["dpop_bound_access_tokens"] else made


def test_every_exported_client_does_what_it_is_for(client: FlaskClient, work: UnitOfWork) -> None:
    with acting_as(SYSTEM), unit_of_work():
        demo.seed()
    with unit_of_work():
        told = demo.export()
    person = told["persons"][0]
    world.log_in(client, person["login_name"], person["password"])
    subs = {}

    for each in told["clients"]:
        app = _as_app(each)
        kid = {"kid": each["private_jwk"]["kid"]} if "private_jwk" in each else {}
        assert app.method != "private_key_jwt" or kid["kid"] == app.key.thumbprint()
        if "authorization_code" in each["grant_types"]:
            subs[each["client_id"]] = _sub(client, app, each)
        elif "client_credentials" in each["grant_types"]:
            asked = fapi.post(client, app, "/oauth2/token", grant_type="client_credentials")
            assert asked.status_code == 200, asked.json

    assert len(set(subs.values())) == len(subs) >= 4
    kinds = {(each["profile"], each["token_endpoint_auth_method"]) for each in told["clients"]}
    assert {("fapi2", "private_key_jwt"), ("baseline", "none"), ("baseline", "client_secret_basic")} <= kinds


def _sub(client: FlaskClient, app: App, told: dict[str, Any]) -> str:
    pkce, there = world.Pkce.fresh(), told["redirect_uris"][0]
    answer = world.approve(client, fapi.query(client, app, pkce, redirect_uri=there))
    body = fapi.redeem(client, app, world.code_of(answer), pkce, redirect_uri=there).json
    header, identity = jose.peek(body["id_token"])
    assert header["alg"] == told["id_token_signed_response_alg"]
    return str(identity["sub"])


def test_credentials_of_the_demo_lie_nowhere_in_clear(client: FlaskClient, work: UnitOfWork) -> None:
    with acting_as(SYSTEM), unit_of_work():
        demo.seed()
    with unit_of_work():
        told = demo.export()
        rows = " ".join(session().scalars(text("SELECT t::text FROM identity.client t")))

    for each in told["clients"]:
        for secret in (each.get("client_secret"), each.get("private_jwk", {}).get("d")):
            assert secret is None or secret not in rows


def test_export_lets_a_device_and_a_program_work(client: FlaskClient, work: UnitOfWork) -> None:
    with acting_as(SYSTEM), unit_of_work():
        demo.seed()
    with unit_of_work():
        told = demo.export()
    person = told["persons"][0]
    screen, program = (
        next(each for each in told["clients"] if each["client_id"] == name)
        for name in ("suxin-screen", "suxin-health-program")
    )
    asked = programs.ask_device(client, screen["client_id"], scope="openid", resource=told["issuer"]).json
    world.log_in(client, person["login_name"], person["password"])
    forms = told["form_fields"]
    page = client.get(forms["device"]["path"]).get_data(as_text=True)
    fields = {forms["device"]["csrf"]: world.form_token(page), forms["device"]["user_code"]: asked["user_code"]}
    shown = client.post(forms["device"]["path"], data=fields).get_data(as_text=True)
    fields = {
        forms["device_decision"]["csrf"]: world.form_token(shown),
        forms["device_decision"]["request"]: programs.request_id_in(shown),
        forms["device_decision"]["decision"]: forms["device_decision"]["approve"],
    }

    assert client.post(forms["device_decision"]["path"], data=fields).status_code == 200
    assert programs.poll_device(client, screen["client_id"], asked["device_code"]).status_code == 200
    assert program["serves"] == world.HEALTH
    assert any(each["backchannel_logout_uri"] for each in told["clients"])
    assert all(each["post_logout_redirect_uris"] for each in told["clients"] if each["redirect_uris"])
