"""Clients: entered, changed and keyed by rule, on create and on change alike."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, OctKey, RSAKey
from sqlalchemy import select, text

from app.db import UnitOfWork, session
from identity.oidc import jose
from identity.oidc.keys import public_members
from identity.oidc.models import Client, ClientKey
from tests.api.identity.offices import client_form, office, official

PATH = "/api/identity/admin/clients"

BAD_REDIRECTS = [
    "http://app.example/cb", "https://app.example/cb#x", "https://user@app.example/cb", "https://a@b@app.example/cb",
    "https://app.example/..;/cb", "https://app.example/../cb", "https://*.example/cb", "https://app.example\\@evil/cb",
    "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https:///cb", "https://app.example:99999/cb",
    "http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/cb", "myapp:/cb", "https://app.example/c b",
    "https://äpp.example/cb", "https://app.example/cb\n", "//app.example/cb", "", "cn.example.app://host/cb",
]  # fmt: skip


def _post(browser: FlaskClient, form: dict[str, Any]) -> Any:
    return browser.post(PATH, json=form, headers=official("administrator").headers())


@pytest.mark.parametrize("uri", BAD_REDIRECTS)
def test_a_redirect_that_could_lead_astray_is_refused_on_entry_and_on_change(
    browser: FlaskClient, work: UnitOfWork, uri: str
) -> None:
    good = _post(browser, client_form()).json["id"]

    entered = _post(browser, client_form(redirect_uris=[uri]))
    changed = browser.patch(
        f"{PATH}/{good}", json={"redirect_uris": [uri]}, headers=official("administrator").headers()
    )

    assert (entered.status_code, changed.status_code) == (422, 422)


@pytest.mark.parametrize(
    "uri", ["https://app.example/cb", "http://127.0.0.1:8765/cb", "http://[::1]/cb", "cn.suxin.app:/cb"]
)
def test_a_sound_redirect_of_a_public_client_is_taken(browser: FlaskClient, work: UnitOfWork, uri: str) -> None:
    assert _post(browser, client_form(redirect_uris=[uri])).status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"profile": "fapi2"},
        {"profile": "fapi2", "auth_method": "client_secret_basic"},
        {"profile": "fapi2", "auth_method": "private_key_jwt", "id_token_alg": "RS256"},
        {"auth_method": "private_key_jwt", "redirect_uris": ["http://127.0.0.1/cb"]},
        {"auth_method": "magic"},
        {"access": {"suxin": ["root"]}},
        {"access": {"elsewhere": ["openid"]}},
        {"access": {}},
        {"access": {"suxin": []}},
        {"backchannel_logout_uri": "http://app.example/out"},
        {"redirect_uris": ["https://a.example/cb", "https://a.example/cb"]},
        {"title_zh": ""},
        {"grant_types": ["implicit"]},
        {"grant_types": ["password"]},
        {"id_token_alg": "none"},
        {"organisation": "91320000000000000X"},
    ],
    ids=str,
)
def test_a_client_that_must_not_be_is_refused(browser: FlaskClient, work: UnitOfWork, changes: dict[str, Any]) -> None:
    assert _post(browser, client_form() | changes).status_code in (404, 422)


def test_the_same_intent_enters_one_client(browser: FlaskClient, work: UnitOfWork) -> None:
    who = official("administrator")

    answers = [browser.post(PATH, json=client_form(), headers=who.headers("one-key")).json["id"] for _ in range(3)]

    assert len(set(answers)) == 1


def test_an_entry_without_a_key_is_refused(browser: FlaskClient, work: UnitOfWork) -> None:
    headers = {k: v for k, v in official("administrator").headers().items() if k != "Idempotency-Key"}

    assert browser.post(PATH, json=client_form(), headers=headers).status_code == 400


def test_a_client_of_the_own_organisation_is_entered_by_its_own_desk_only(
    browser: FlaskClient, work: UnitOfWork
) -> None:
    own, other = office(), office()
    who = official("clients", organisation=own)

    answers = [
        browser.post(PATH, json=client_form(each), headers=who.headers()).status_code for each in (own, other, None)
    ]

    assert answers == [201, 404, 404]


def test_a_sector_is_one_organisations_own(browser: FlaskClient, work: UnitOfWork) -> None:
    one, other = office(), office()

    answers = [
        _post(browser, client_form(each, sector="https://health.example")).status_code for each in (one, one, other)
    ]

    assert answers == [201, 201, 422]


def test_a_secret_is_shown_once_kept_as_its_hash_and_in_no_kept_answer(browser: FlaskClient, work: UnitOfWork) -> None:
    who = official("administrator")
    client_id = _post(browser, client_form(auth_method="client_secret_basic")).json["id"]

    given = browser.post(f"{PATH}/{client_id}/secret", headers=who.headers("one")).json["client_secret"]
    same = browser.post(f"{PATH}/{client_id}/secret", headers=who.headers("one")).json["client_secret"]
    next_one = browser.post(f"{PATH}/{client_id}/secret", headers=who.headers("two")).json["client_secret"]

    held = session().scalar(select(Client.secret_hash).where(Client.id == client_id))
    answers = "".join(session().scalars(text("select convert_from(body, 'UTF8') from app.idempotency_record")))
    assert given == same != next_one
    assert held == hashlib.sha256(next_one.encode()).digest()
    assert given not in answers
    assert next_one not in answers


def test_a_public_client_has_no_secret_and_no_keys(browser: FlaskClient, work: UnitOfWork) -> None:
    who = official("administrator")
    client_id = _post(browser, client_form()).json["id"]
    key = {"kid": "k", "jwk": public_members(jose.new_key())}

    answers = [
        browser.post(f"{PATH}/{client_id}/secret", headers=who.headers()).status_code,
        browser.post(f"{PATH}/{client_id}/keys", json=key, headers=who.headers()).status_code,
    ]

    assert answers == [409, 409]


def _keyed(browser: FlaskClient) -> str:
    form = client_form(profile="fapi2", auth_method="private_key_jwt")
    found: str = _post(browser, form).json["id"]
    return found


def test_several_keys_live_at_once_and_one_is_retired(browser: FlaskClient, work: UnitOfWork) -> None:
    who, client_id = official("administrator"), _keyed(browser)
    for kid in ("old", "new"):
        key = {"kid": kid, "jwk": public_members(jose.new_key())}
        assert browser.post(f"{PATH}/{client_id}/keys", json=key, headers=who.headers()).status_code == 201

    gone = browser.delete(f"{PATH}/{client_id}/keys/old", headers=who.headers())
    again = browser.delete(f"{PATH}/{client_id}/keys/old", headers=who.headers())

    held = {each.kid: each.revoked_at is None for each in session().scalars(select(ClientKey))}
    assert (gone.status_code, again.status_code) == (204, 404)
    assert held == {"old": False, "new": True}


RSA = RSAKey.generate_key(2048, private=True)
WEAK = {**RSA.as_dict(private=False), "n": str(RSA.as_dict(private=False)["n"])[:171]}
BAD_KEYS: dict[str, dict[str, Any]] = {
    "private EC": dict(jose.new_key().as_dict(private=True)),
    "private RSA": dict(RSA.as_dict(private=True)),
    "weak RSA": WEAK,
    "symmetric": dict(OctKey.generate_key(256).as_dict(private=True)),
    "other curve": dict(ECKey.generate_key("P-384").as_dict(private=False)),
    "off the curve": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    "no members": {"kty": "EC", "crv": "P-256"},
    "empty": {},
    "list for a text": {"kty": ["EC"], "crv": "P-256", "x": 1, "y": None},
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_bad_key_is_refused(browser: FlaskClient, work: UnitOfWork, name: str) -> None:
    answer = browser.post(
        f"{PATH}/{_keyed(browser)}/keys",
        json={"kid": "k", "jwk": BAD_KEYS[name]},
        headers=official("administrator").headers(),
    )

    assert answer.status_code == 422


def test_an_rsa_key_is_kept_by_its_public_members(browser: FlaskClient, work: UnitOfWork) -> None:
    jwk = {**RSA.as_dict(private=False), "x5u": "https://evil.example"}
    answer = browser.post(
        f"{PATH}/{_keyed(browser)}/keys", json={"kid": "k", "jwk": jwk}, headers=official("administrator").headers()
    )

    assert set(answer.json["public_jwk"]) == {"kty", "n", "e"}


# Signing keys and persons.


def test_a_young_next_key_signs_only_after_two_persons_say_so(browser: FlaskClient, work: UnitOfWork) -> None:
    first, second = official("administrator"), official("administrator")
    browser.get("/oauth2/jwks")
    before = {each["kid"] for each in _keys(browser, first) if each["state"] == "active"}
    early = browser.post("/api/identity/admin/signing-keys/rotate", headers=first.headers())

    form = {"act": "signing-key.rotate-early", "arguments": {}, "reason": "key stolen"}
    proposed = browser.post("/api/identity/admin/approvals", json=form, headers=first.headers()).json["id"]
    browser.post(f"/api/identity/admin/approvals/{proposed}/approve", headers=second.headers())
    done = browser.post(f"/api/identity/admin/approvals/{proposed}/execute", headers=first.headers())

    after = {each["kid"] for each in _keys(browser, first) if each["state"] == "active"}
    assert early.json["type"].rpartition("/")[2] == "next-key-too-young"
    assert done.status_code == 200
    assert set(done.json["result"]["kids"]) <= after
    assert not before & after


def _keys(browser: FlaskClient, who: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.get("/api/identity/admin/signing-keys", headers=who.headers()).json["items"]
    return found
