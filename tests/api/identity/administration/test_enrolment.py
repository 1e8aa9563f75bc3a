"""Terminals bring a code once, with the key they hold; what their makers say is a signal and no more."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from sqlalchemy import select, text, update

from app.db import UnitOfWork, now, session, unit_of_work
from app.errors import DomainError
from app.principal import SYSTEM, acting_as
from identity.admin import departments
from identity.devices import attestation, codes, enrolment, service
from identity.devices.enrolment import PROOF_TYPE, code_hash
from identity.devices.errors import CodeRefused
from identity.devices.models import Device, EnrolmentCode
from identity.oidc import jose
from identity.oidc.keys import public_members
from identity.parties.models import Organisation
from tests.api.identity.offices import Official, office, official
from tests.api.identity.world import (
    ISSUER,
    Terminal,
    ask_token,
    assertion,
    bearer,
    new_terminal,
    terminal_token,
)

CODES = "/api/identity/admin/device-codes"
ENROL = "/api/identity/devices/enrolments"
CALLERS = 8
ACCESS = {"suxin": ["presence:verify"], "health": ["health:read", "health:settle"]}


def _code(browser: FlaskClient, who: Official | None = None, **changes: Any) -> Any:
    maker = who or official("devices", organisation=office())
    form = {
        "organisation": maker.organisation.credit_code, "place": "321302", "label": "柜台一",
        "access": ACCESS, **changes,
    }  # fmt: skip
    return browser.post(CODES, json=form, headers=maker.headers())


def _proof(key: ECKey, code: str, *, typ: str = PROOF_TYPE, by: ECKey | None = None, **changes: Any) -> str:
    claims = {"aud": ISSUER, "iat": int(time.time()), "code_sha256": code_hash(code).hex(), **changes}
    return jose.sign({n: v for n, v in claims.items() if v is not None}, by or key, typ=typ)


def _enrol(browser: FlaskClient, code: str, key: ECKey, **changes: Any) -> Any:
    form = {"code": code, "public_jwk": public_members(key), "proof": _proof(key, code), **changes}
    return browser.post(ENROL, json=form)


def test_a_terminal_enrols_by_code_and_works(client: FlaskClient, browser: FlaskClient, work: UnitOfWork) -> None:
    who = official("devices", organisation=office())
    code, key = _code(browser, who).json["code"], jose.new_key()

    enrolled = _enrol(browser, code, key)
    work.commit()
    token = terminal_token(client, Terminal(enrolled.json["client_id"], who.organisation.id, key))

    assert (enrolled.status_code, enrolled.json["place"], enrolled.json["label"]) == (201, "321302", "柜台一")
    assert token.count(".") == 2
    session().expire_all()
    assert session().get_one(Device, enrolled.json["client_id"]).last_seen_at is not None


@pytest.mark.parametrize("spell", [str.lower, str.upper, lambda c: c.replace("-", ""), lambda c: f" {c} "])
def test_a_code_is_read_however_people_type_it(
    browser: FlaskClient, work: UnitOfWork, spell: Callable[[str], str]
) -> None:
    code, key = _code(browser).json["code"], jose.new_key()

    assert _enrol(browser, spell(code), key).status_code == 201


def test_a_code_works_once(browser: FlaskClient, work: UnitOfWork) -> None:
    code = _code(browser).json["code"]

    answers = [_enrol(browser, code, jose.new_key()) for _ in range(2)]

    assert [each.status_code for each in answers] == [201, 403]


def _wait(_: str, made: EnrolmentCode) -> None:
    made.expires_at = now() - timedelta(seconds=1)


def _stop(_: str, made: EnrolmentCode) -> None:
    departments.suspend(made.organisation_id)


@pytest.mark.parametrize("spoil", [_wait, _stop])
def test_a_late_or_withdrawn_code_is_refused_like_an_unknown_one(
    browser: FlaskClient, work: UnitOfWork, spoil: Callable[[str, EnrolmentCode], None]
) -> None:
    code = _code(browser).json["code"]
    spoil(code, session().get_one(EnrolmentCode, code_hash(code)))
    session().flush()

    answers = [_enrol(browser, each, jose.new_key()) for each in (code, codes.fresh())]

    assert [each.json["type"] for each in answers] == [f"{ISSUER}/problems/code-refused"] * 2


def test_a_code_is_kept_by_its_hash_and_lives_ten_minutes(browser: FlaskClient, work: UnitOfWork) -> None:
    made = _code(browser).json

    held = session().get_one(EnrolmentCode, code_hash(made["code"]))
    dump = "".join(session().scalars(text("select t::text from identity.enrolment_code t")))
    answers = "".join(session().scalars(text("select convert_from(body, 'UTF8') from app.idempotency_record")))
    assert timedelta(minutes=9) < held.expires_at - now() <= timedelta(minutes=10)
    assert made["code"].replace("-", "").lower() not in dump.lower()
    assert made["code"] not in answers
    assert len(made["code"].replace("-", "")) == 16


def test_the_same_intent_gives_the_same_code_and_another_another(browser: FlaskClient, work: UnitOfWork) -> None:
    who = official("devices", organisation=office())
    form = {"organisation": who.organisation.credit_code, "place": "321302", "label": "x", "access": ACCESS}

    given = [browser.post(CODES, json=form, headers=who.headers(key)).json["code"] for key in ("a", "a", "b")]

    assert given[0] == given[1] != given[2]


OTHER = jose.new_key()
FORGED: dict[str, Callable[[ECKey, str], str]] = {
    "signed by another key": lambda key, code: _proof(key, code, by=OTHER),
    "of another code": lambda key, _: _proof(key, codes.fresh()),
    "for another issuer": lambda key, code: _proof(key, code, aud="https://evil.example"),
    "audience as a list": lambda key, code: _proof(key, code, aud=[ISSUER]),
    "without audience": lambda key, code: _proof(key, code, aud=None),
    "without time": lambda key, code: _proof(key, code, iat=None),
    "old": lambda key, code: _proof(key, code, iat=int(time.time()) - 100),
    "of the future": lambda key, code: _proof(key, code, iat=int(time.time()) + 100),
    "time as text": lambda key, code: _proof(key, code, iat="now"),
    "of another type": lambda key, code: _proof(key, code, typ="JWT"),
    "an assertion": lambda key, code: _proof(key, code, typ="client-authentication+jwt"),
    "without code": lambda key, code: _proof(key, code, code_sha256=None),
    "no JWS": lambda *_: "x",
    "cut": lambda key, code: _proof(key, code)[:-2],
    "alg none": lambda key, code: _unsigned(_proof(key, code)),
}  # fmt: skip


def _unsigned(proof: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"suxin-enrolment+jwt"}').rstrip(b"=").decode()
    return f"{header}.{proof.split('.')[1]}."


@pytest.mark.parametrize("forgery", FORGED)
def test_a_key_that_is_not_held_is_refused_and_the_code_stays_good(
    browser: FlaskClient, work: UnitOfWork, forgery: str
) -> None:
    code, key = _code(browser).json["code"], jose.new_key()

    refused = _enrol(browser, code, key, proof=FORGED[forgery](key, code))
    good = _enrol(browser, code, key)

    assert (refused.status_code, good.status_code) == (422, 201)


def test_a_key_in_use_is_refused(browser: FlaskClient, work: UnitOfWork) -> None:
    key = jose.new_key()
    _enrol(browser, _code(browser).json["code"], key)

    assert _enrol(browser, _code(browser).json["code"], key).status_code == 409


@pytest.mark.parametrize(
    "changes",
    [
        {"access": {"suxin": ["identity:admin"]}},
        {"access": {"suxin": ["openid"]}},
        {"access": {}},
        {"place": "999999"},
        {"place": "321322"},
        {"label": ""},
        {"organisation": "91320000000000000X"},
    ],
    ids=str,
)
def test_a_code_gives_no_more_than_its_maker_may(
    browser: FlaskClient, work: UnitOfWork, changes: dict[str, Any]
) -> None:
    who = official("devices", organisation=office(), area="321302")

    assert _code(browser, who, **changes).status_code in (404, 422)


def test_a_replaced_key_ends_the_old_one_at_once(client: FlaskClient, browser: FlaskClient, work: UnitOfWork) -> None:
    terminal, key = new_terminal(), jose.new_key()
    token = terminal_token(client, terminal)
    who = official("devices", organisation=session().get_one(Organisation, terminal.organisation_id))
    code = browser.post(f"/api/identity/admin/devices/{terminal.id}/key-codes", headers=who.headers()).json["code"]

    replaced = _enrol(browser, code, key)
    work.commit()

    assert replaced.json["client_id"] == terminal.id
    assert client.post("/api/presence/sessions", json={}, headers=bearer(token)).status_code == 401
    assert ask_token(client, assertion(terminal)).status_code == 401
    assert ask_token(client, assertion(Terminal(terminal.id, terminal.organisation_id, key))).status_code == 200


def test_a_retired_terminal_gets_no_new_key(browser: FlaskClient, work: UnitOfWork) -> None:
    terminal = new_terminal()
    who = official("devices", organisation=session().get_one(Organisation, terminal.organisation_id))
    path = f"/api/identity/admin/devices/{terminal.id}/key-codes"
    code = browser.post(path, headers=who.headers()).json["code"]
    with acting_as(SYSTEM):
        service.retire(terminal.id)

    assert browser.post(path, headers=who.headers()).status_code == 409
    assert _enrol(browser, code, jose.new_key()).status_code == 404


# Attestation.


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, *, by: tuple[str, ec.EllipticCurvePrivateKey], ca: bool, days: int = 1
) -> x509.Certificate:
    begun = datetime.now(UTC) - timedelta(days=2)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, by[0])]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=2 + days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(by[1], hashes.SHA256())
    )


def _chain(key: ECKey, *, days: int = 1, ca: bool = True) -> list[x509.Certificate]:
    own: Any = key.private_key
    maker = ec.generate_private_key(ec.SECP256R1())
    root = _certificate("maker", maker, by=("maker", maker), ca=ca)
    return [_certificate("terminal", own, by=("maker", maker), ca=False, days=days), root]


def _sent(chain: list[x509.Certificate]) -> dict[str, Any]:
    return {
        "format": "x5c",
        "x5c": [base64.b64encode(each.public_bytes(serialization.Encoding.DER)).decode() for each in chain],
    }


def _level(key: ECKey, sent: Any) -> Any:
    read = attestation.read(sent, public_members(key))
    return None if read is None else read["level"]


def test_a_chain_to_an_unknown_root_counts_as_a_chain(work: UnitOfWork) -> None:
    key = jose.new_key()

    assert _level(key, _sent(_chain(key))) == "chain"


def test_a_chain_to_a_root_of_ours_counts_as_rooted(
    work: UnitOfWork, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    key = jose.new_key()
    chain = _chain(key)
    roots = tmp_path / "roots.pem"
    roots.write_bytes(chain[-1].public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SUXIN_IDENTITY_ATTESTATION_ROOTS", str(roots))

    assert _level(key, _sent(chain)) == "rooted"
    assert _level(key, _sent(_chain(key))) == "chain"


KEY = jose.new_key()
BROKEN: dict[str, Callable[[], Any]] = {
    "of another key": lambda: _sent(_chain(OTHER)),
    "expired": lambda: _sent(_chain(KEY, days=-1)),
    "issuer is no authority": lambda: _sent(_chain(KEY, ca=False)),
    "turned round": lambda: _sent(_chain(KEY)[::-1]),
    "of two makers": lambda: _sent([_chain(KEY)[0], _chain(KEY)[1]]),
    "no certificates": lambda: {"format": "x5c", "x5c": []},
    "not base64": lambda: {"format": "x5c", "x5c": ["!"]},
    "not DER": lambda: {"format": "x5c", "x5c": ["AAAA"]},
    "a text": lambda: {"format": "x5c", "x5c": "AAAA"},
    "too many": lambda: {"format": "x5c", "x5c": _sent(_chain(KEY))["x5c"] * 4},
    "unknown format": lambda: {"format": "trust-me"},
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_does_not_hold_is_recorded_as_invalid(work: UnitOfWork, fault: str) -> None:
    assert _level(KEY, BROKEN[fault]()) == "invalid"


def test_an_attestation_is_recorded_and_opens_nothing(browser: FlaskClient, work: UnitOfWork) -> None:
    who = official("devices", organisation=office())
    bad, none = jose.new_key(), jose.new_key()

    first = _enrol(browser, _code(browser, who).json["code"], bad, attestation={"format": "trust-me"})
    second = _enrol(browser, _code(browser, who).json["code"], none)

    held = {each.id: each.attestation for each in session().scalars(select(Device))}
    assert held[first.json["client_id"]] == {"format": "trust-me", "level": "invalid", "why": "unknown format"}
    assert held[second.json["client_id"]] is None
    assert first.json["access"] == second.json["access"] == ACCESS


# Concurrency.


def _race(city: Flask, act: Callable[[ECKey], Any]) -> int:
    gate = threading.Barrier(CALLERS)

    def one(key: ECKey) -> bool:
        with city.app_context(), unit_of_work():
            gate.wait(10)
            try:
                act(key)
            except DomainError:
                return False
            return True

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(one, [jose.new_key() for _ in range(CALLERS)]))


def _invited(city: Flask) -> str:
    code = codes.fresh()
    with city.app_context(), acting_as(SYSTEM), unit_of_work():
        enrolment.invite(organisation_id=office().id, place="321302", label="x", access=ACCESS, code=code)
    return code


def test_of_parallel_terminals_with_one_code_exactly_one_enrols(clean_city: Flask) -> None:
    code = _invited(clean_city)

    won = _race(
        clean_city, lambda key: enrolment.enrol(code=code, public_jwk=public_members(key), proof=_proof(key, code))
    )

    with clean_city.app_context(), unit_of_work(read_only=True):
        assert (won, len(session().scalars(select(Device.id)).all())) == (1, 1)


def test_control_a_code_read_before_it_is_spent_enrols_many(clean_city: Flask) -> None:
    code = _invited(clean_city)
    all_read = threading.Barrier(CALLERS)

    def enrol_by_reading(_: ECKey) -> None:
        spent = session().scalar(select(EnrolmentCode.consumed_at).where(EnrolmentCode.code_hash == code_hash(code)))
        all_read.wait(10)
        if spent is not None:
            raise CodeRefused
        session().execute(update(EnrolmentCode).values(consumed_at=now()))

    assert _race(clean_city, enrol_by_reading) == CALLERS
