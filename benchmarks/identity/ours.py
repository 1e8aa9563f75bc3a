"""The city as the server under load: its own clients, people, consents and codes, written by its own models."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask

from benchmarks.identity.flows import FAPI, PLAIN, REDIRECT, SCOPE, SECRET, VERIFIER, Party
from benchmarks.identity.signing import Signer, b64
from benchmarks.world import World, city_server

PRODUCT = "benchmarks.product"
CODES, PEOPLE = 16_000, 20
PATHS = {"token": "/oauth2/token", "userinfo": "/oauth2/userinfo", "introspect": "/oauth2/introspect"}
CREDENTIALS_SCOPE = "introspect"


@contextmanager
def city(world: World) -> Iterator[Flask]:
    """Return the product's app in this process, in an app context."""
    from benchmarks.product import make_app

    os.environ.update(world.environment)
    app = make_app()
    try:
        with app.app_context():
            yield app
    finally:
        app.extensions["suxin.db"].dispose()


@contextmanager
def served(world: World) -> Iterator[Party]:
    """Serve the product by one worker on one core, with clients and codes ready."""
    from app.db import unit_of_work
    from app.principal import SYSTEM, acting_as

    signer = Signer()
    with city(world), acting_as(SYSTEM), unit_of_work():
        _clients(signer)
        people = _people()
    with city_server(world, module=PRODUCT, hot=True) as server:
        party = Party("Suxin", server, world.postmaster, PATHS, signer, {}, CREDENTIALS_SCOPE)
        party.codes = {client: deque(prepare(world, client, people)) for client in (FAPI, PLAIN)}
        yield party


def prepare(world: World, client: str, people: list[tuple[str, str]], number: int = CODES) -> list[str]:
    """Return codes as the authorization endpoint would have given them."""
    import sqlalchemy as sa

    from app.db import now, session, unit_of_work
    from app.ids import new_id
    from identity.oidc.grants.authorization_code import code_hash
    from identity.oidc.models import AuthorizationCode, AuthorizationGrant

    codes = [secrets.token_urlsafe(32) for _ in range(number)]
    challenge = b64(hashlib.sha256(VERIFIER.encode()).digest())
    later = now() + timedelta(hours=6)
    grants: list[dict[str, Any]] = []
    for place in range(number):
        account, person = people[place % len(people)]
        grants.append({
            "id": new_id("grant"), "account_id": account, "person_id": person, "client_id": client,
            "session_id": "session_bench", "access": {"suxin": SCOPE.split()}, "proofing_level": 4,
            "authentication_level": 1, "authenticated_at": now(), "expires_at": later,
        })  # fmt: skip
    rows = [
        {
            "code_hash": code_hash(code), "grant_id": grant["id"], "client_id": client, "redirect_uri": REDIRECT,
            "code_challenge": challenge, "nonce": "n-1", "expires_at": later,
        }
        for code, grant in zip(codes, grants, strict=True)
    ]  # fmt: skip
    with city(world), unit_of_work():
        session().execute(sa.insert(AuthorizationGrant), grants)
        session().execute(sa.insert(AuthorizationCode), rows)
    return codes


def _clients(signer: Signer) -> None:
    from app.db import add
    from identity.oidc.client_secret import secret_hash
    from identity.oidc.models import Client, ClientKey

    access = {"suxin": [*SCOPE.split(), CREDENTIALS_SCOPE]}
    shared = {"title_zh": "测", "title_en": "Bench", "redirect_uris": [REDIRECT], "access": access}
    people = ["authorization_code", "refresh_token"]
    add(Client(id=FAPI, profile="fapi2", auth_method="private_key_jwt", grant_types=people, **shared))
    add(ClientKey(client_id=FAPI, kid=signer.kid, public_jwk=signer.public_jwk))
    add(
        Client(
            id=PLAIN, auth_method="client_secret_basic", secret_hash=secret_hash(SECRET),
            grant_types=[*people, "client_credentials"], **shared,
        )
    )  # fmt: skip


def _people() -> list[tuple[str, str]]:
    from demo import world as demo
    from identity.accounts.service import open_account
    from identity.authenticators import password
    from identity.parties.service import register_person

    made = []
    for citizen in list(demo.load().citizens)[:PEOPLE]:
        person = register_person(
            name=citizen.name, resident_id=citizen.resident_id, mobile=citizen.mobile, area=citizen.area,
            source="bench", method="bench", level=4, demo_key=citizen.key,
        )  # fmt: skip
        account = open_account(login_name=citizen.key, person_id=person.id)
        password.set_hash(account, password.hashed(citizen.password))
        made.append((account.id, person.id))
    return made
