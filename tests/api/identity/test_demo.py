"""The demo world is seeded once, and its export is enough to use it."""

from __future__ import annotations

import secrets
import time

from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from sqlalchemy import func, select

from app.db import UnitOfWork, session, unit_of_work
from app.principal import SYSTEM, acting_as
from demo import families
from demo import world as invented
from identity import demo
from identity.oidc import jose
from identity.parties.models import Person
from tests.api.identity import world


def test_seed_runs_once_and_its_export_opens_the_city(client: FlaskClient, work: UnitOfWork) -> None:
    with acting_as(SYSTEM):
        for _ in range(2):
            with unit_of_work():
                demo.seed()
    with unit_of_work():
        told = demo.export()
        persons = session().scalar(select(func.count()).select_from(Person).where(Person.demo_key.is_not(None)))

    assert persons == len(invented.load().citizens) + len(families.load().wards)
    # Whoever is below 14 has no account.
    assert len(told["persons"]) == len(invented.load().citizens) + 1
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
