"""Log-ins by passkey and by password against what they cannot go below: one ES256 verification, one argon2id hash."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlencode

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask

from app.db import add, unit_of_work
from app.ids import new_id
from benchmarks import measure
from benchmarks.client import Answer, request_bytes
from benchmarks.measure import Variant
from benchmarks.passkeys import Passkey
from benchmarks.report import Finding, Part
from benchmarks.world import World, city_server

PRODUCT = "benchmarks.product"
ACCOUNTS = 500
PASSWORD = "Willow-lantern-47"
PASSKEY_GOAL, PASSWORD_GOAL = 150, 25
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def run(world: World) -> Part:
    """Measure both ways of logging in on one core, with everything durable, beside their bare cryptography."""
    os.environ.update(world.environment)
    from benchmarks.product import make_app

    app = make_app()
    passkeys = _seed(app)
    with city_server(world, module=PRODUCT, hot=True) as server, app.app_context():
        page = request_bytes("GET", "/login", {})
        variants = [
            Variant("log-in by passkey", server, _by_passkey(passkeys), _let_in),
            Variant("log-in by password", server, _by_password, _let_in),
            Variant("the log-in page", server, lambda _: page),
        ]
        rows = measure.rounds(variants, postmaster=world.postmaster, connections=4)
        found = measure.medians(rows)
        opened = [measure.latency(variants[0], rate=60), measure.latency(variants[1], rate=8)]
    floors = {"ES256 verification alone": _es256(), "argon2id hash alone": _argon2id()}
    return Part(
        "Log-ins, one core",
        _findings(found, floors),
        found,
        measure.noise(found, variants[0].name),
        opened,
        [
            "one worker on one core, PostgreSQL durable on the other; all log-ins from one address, counted at one row",
            *(f"{name}: {cost * 1e6:.0f} µs" for name, cost in floors.items()),
        ],
        measure.raw(rows),
    )


def _findings(found: dict[str, dict[str, float]], floors: dict[str, float]) -> list[Finding]:
    findings = []
    for way, goal, floor in (
        ("passkey", PASSKEY_GOAL, "ES256 verification alone"),
        ("password", PASSWORD_GOAL, "argon2id hash alone"),
    ):
        cost = found[f"log-in by {way}"]
        findings += [
            Finding(f"log-ins by {way}, one server core", cost["rps"], goal, "/s"),
            Finding(f"log-ins by {way} for each CPU-second, PostgreSQL included", 1e6 / cost["total_us"], goal, "/s"),
            Finding(f"log-in by {way} v {floor}, CPU", cost["total_us"] / (floors[floor] * 1e6)),
        ]
    return findings


def _seed(app: Flask) -> list[Passkey]:
    """Open accounts with one password and one passkey each."""
    from identity.accounts.models import Account
    from identity.authenticators.models import Authenticator
    from identity.authenticators.password import hashed
    from identity.parties.models import Person

    key, made = ec.generate_private_key(ec.SECP256R1()), []
    with app.app_context(), unit_of_work():
        secret = hashed(PASSWORD)
        for number in range(ACCOUNTS):
            person = add(
                Person(
                    id=new_id("person"), resident_id_index=secrets.token_bytes(32), resident_id_sealed=b"x",
                    name_sealed=b"x", mobile_index=secrets.token_bytes(32), mobile_sealed=b"x", mobile_tail="1234",
                    region="321302", area="321302", proofing_level=4,
                )
            )  # fmt: skip
            account = add(Account(login_name=_name(number), person_id=person.id))
            passkey = Passkey(key, hashlib.sha256(account.id.encode()).digest())
            add(Authenticator(account_id=account.id, kind="password", secret=secret))
            add(
                Authenticator(
                    account_id=account.id, kind="passkey", name="x", credential_id=passkey.credential_id,
                    public_key=passkey.cose(),
                )
            )  # fmt: skip
            made.append(passkey)
    return made


def _by_passkey(passkeys: list[Passkey]) -> measure.Request:
    from identity.authenticators.passkeys import challenge, log_in

    def request(number: int) -> bytes:
        # A challenge works once, so each request carries a new one, as a page would have given it.
        browser, binding = _browser()
        answered = passkeys[number % ACCOUNTS].answer(challenge.fresh(log_in.USE, browser=binding))
        return _post("/login/passkey", browser, credential=answered)

    return request


def _by_password(number: int) -> bytes:
    return _post("/login", _browser()[0], login_name=_name(number % ACCOUNTS), password=PASSWORD)


def _browser() -> tuple[str, bytes]:
    secret = secrets.token_urlsafe(32)
    return secret, hashlib.sha256(secret.encode()).digest()


def _post(path: str, browser: str, **form: str) -> bytes:
    from identity.sessions.service import form_token

    body = urlencode({**form, "csrf_token": form_token(browser), "return_to": "/account/"}).encode()
    return request_bytes("POST", path, {**_FORM, "Cookie": f"suxin-form={browser}"}, body)


def _let_in(_number: int, answer: Answer) -> bool:
    return answer.status == 303


def _name(number: int) -> str:
    return f"bench-{number}"


def _es256() -> float:
    key = ec.generate_private_key(ec.SECP256R1())
    public, data = key.public_key(), b"x" * 69
    signature = key.sign(data, ec.ECDSA(SHA256()))
    return _cost(lambda: public.verify(signature, data, ec.ECDSA(SHA256())), 2000)


def _argon2id() -> float:
    from identity.authenticators.password import hasher

    kept: PasswordHasher = hasher()
    secret = kept.hash(PASSWORD)
    return _cost(lambda: kept.verify(secret, PASSWORD), 20)


def _cost(act: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - began) / times
