"""Proofs of possession: module `dpop-negative-tests` and `check-dpop-proof-nbf-exp`, at every place that takes one."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey

from app.db import UnitOfWork, unit_of_work
from identity.oidc import dpop, jose
from identity.oidc.keys import public_members
from tests.api.identity import fapi, world
from tests.api.identity.fapi import App
from tests.api.identity.test_terminal_token import forged
from tests.api.identity.world import Pkce

Make = Callable[[FlaskClient, App, dict[str, Any]], str]


def _changed(**changes: Any) -> Make:
    return lambda client, app, at: fapi.proof(client, _key(app), **(at | changes))


def _key(app: App) -> Any:
    assert app.dpop is not None
    return app.dpop


def _private(client: FlaskClient, app: App, at: dict[str, Any]) -> str:
    return fapi.proof(client, _key(app), **at, header={"jwk": _key(app).as_dict(private=True)})


def _foreign(client: FlaskClient, app: App, at: dict[str, Any]) -> str:
    return fapi.proof(client, _key(app), **at, signer=jose.new_key())


def _unsigned(client: FlaskClient, app: App, at: dict[str, Any]) -> str:
    header, claims = jose.peek(fapi.proof(client, _key(app), **at))
    return forged(claims, {**header, "alg": "none"})


def _under(alg: str) -> Make:
    def make(client: FlaskClient, app: App, at: dict[str, Any]) -> str:
        header, claims = jose.peek(fapi.proof(client, _key(app), **at))
        return forged(claims, {**header, "alg": alg}, b"x" * 64)

    return make


def _off_the_curve(client: FlaskClient, app: App, at: dict[str, Any]) -> str:
    wrong = base64.urlsafe_b64encode(b"\1" * 32).rstrip(b"=").decode()
    return fapi.proof(client, _key(app), **at, header={"jwk": {"kty": "EC", "crv": "P-256", "x": wrong, "y": wrong}})


def _rsa(client: FlaskClient, app: App, at: dict[str, Any]) -> str:
    key = RSAKey.generate_key(2048, {"alg": "PS256"}, private=True)
    claims = jose.peek(fapi.proof(client, _key(app), **at))[1]
    return jose.sign(claims, key, typ="dpop+jwt", header={"jwk": public_members(key)})


def _without_jwk(client: FlaskClient, app: App, at: dict[str, Any]) -> str:
    claims = jose.peek(fapi.proof(client, _key(app), **at))[1]
    return jose.sign(claims, _key(app), typ="dpop+jwt", header={"kid": "k1"})


WRONG: dict[str, Make] = {
    "htm of another method": _changed(htm="PUT"),
    "htm in small letters": _changed(htm="post"),
    "no htm": _changed(htm=None),
    "htu of another path": _changed(htu=world.ISSUER + "/oauth2/other"),
    "htu of another host": _changed(htu="https://evil.test/oauth2/token"),
    "htu with another port": _changed(htu="http://city.test:81/oauth2/token"),
    "htu with user": _changed(htu="http://a@city.test/oauth2/token"),
    "htu is a path": _changed(htu="/oauth2/token"),
    "htu is a list": _changed(htu=[world.ISSUER]),
    "htu is no address": _changed(htu="http://[::"),
    "no htu": _changed(htu=None),
    "iat too old": lambda c, a, at: fapi.proof(c, _key(a), **at, iat=int(time.time()) - 200),
    "iat in the future": lambda c, a, at: fapi.proof(c, _key(a), **at, iat=int(time.time()) + 100),
    "iat is a text": lambda c, a, at: fapi.proof(c, _key(a), **at, iat=str(int(time.time()))),
    "no iat": _changed(iat=None),
    "exp passed": lambda c, a, at: fapi.proof(c, _key(a), **at, exp=int(time.time()) - 1),
    "nbf ahead": lambda c, a, at: fapi.proof(c, _key(a), **at, nbf=int(time.time()) + 100),
    "no jti": _changed(jti=None),
    "jti is a number": _changed(jti=123456789),
    "jti too short": _changed(jti="1"),
    "jti too long": _changed(jti="j" * 200),
    "typ JWT": _changed(typ="JWT"),
    "typ at+jwt": _changed(typ="at+jwt"),
    "unknown crit": _changed(header={"crit": ["x"], "x": 1}),
    "b64 false": _changed(header={"b64": False}),
    "private key in the header": _private,
    "signed by another key": _foreign,
    "key only by kid": _without_jwk,
    "jwk is a text": _changed(header={"jwk": "k"}),
    "jwk is symmetric": _changed(header={"jwk": {"kty": "oct", "k": "c2VjcmV0"}}),
    "jwk of another curve": _changed(header={"jwk": {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}}),
    "jwk off the curve": _off_the_curve,
    "RSA key": _rsa,
    "unsigned": _unsigned,
    **{f"alg {alg}": _under(alg) for alg in ("None", "nOnE", "HS256", "RS256", "ES384", "EdDSA", "")},
    "two proofs in one": lambda c, a, at: ",".join(fapi.proof(c, _key(a), **at) for _ in range(2)),
    "empty": lambda c, a, at: "",
    "no JWT": lambda c, a, at: "proof",
    "oversize": _changed(filler="x" * 9000),
    "stranger's nonce": _changed(nonce="x" * 24),
    "nonce is a number": _changed(nonce=5),
    "no nonce": _changed(nonce=None),
}
AT_RESOURCE: dict[str, Make] = {
    "no ath": _changed(ath=None),
    "ath of another token": _changed(ath=fapi.ath("other")),
    "ath is a list": _changed(ath=["x"]),
    "ath in hex": _changed(ath="ab" * 32),
}


@pytest.fixture
def app_client(work: UnitOfWork) -> App:
    return fapi.new_fapi()


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/par"])
def test_wrong_proof_is_refused_at_protocol_endpoints(
    client: FlaskClient, app_client: App, path: str, make: Make
) -> None:
    fields, _ = fapi.credentials(app_client)
    form = fapi.request_params(app_client, Pkce.fresh()) | {"grant_type": "client_credentials", "scope": "openid"}

    answer = client.post(path, data=form | fields, headers={"DPoP": make(client, app_client, {"path": path})})

    assert answer.status_code == 400
    assert answer.json["error"] in ("invalid_dpop_proof", "use_dpop_nonce")


@pytest.mark.parametrize("make", (WRONG | AT_RESOURCE).values(), ids=(WRONG | AT_RESOURCE).keys())
@pytest.mark.parametrize("path", ["/oauth2/userinfo", "/api/identity/me"])
def test_wrong_proof_is_refused_at_resources(client: FlaskClient, app_client: App, path: str, make: Make) -> None:
    with unit_of_work():
        citizen = world.new_citizen()
    token = fapi.tokens(client, app_client, citizen)["access_token"]
    at = {"path": path, "method": "GET", "token": token}

    answer = client.get(path, headers={"Authorization": f"DPoP {token}", "DPoP": make(client, app_client, at)})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("DPoP error=")
    assert fapi.read(client, app_client, token, path).status_code == 200


def test_server_hands_out_the_nonce_it_wants(client: FlaskClient, app_client: App) -> None:
    fields, _ = fapi.credentials(app_client)
    first = client.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials", **fields},
        headers={"DPoP": fapi.proof(client, _key(app_client), "/oauth2/token", nonce=None)},
    )

    assert first.json["error"] == "use_dpop_nonce"
    fields, _ = fapi.credentials(app_client)
    again = fapi.proof(client, _key(app_client), "/oauth2/token", nonce=first.headers["DPoP-Nonce"])
    second = client.post("/oauth2/token", data={"grant_type": "client_credentials", **fields}, headers={"DPoP": again})
    assert second.status_code == 200, second.json
    assert second.headers["DPoP-Nonce"]


def test_proof_works_once(client: FlaskClient, app_client: App) -> None:
    once = fapi.proof(client, _key(app_client), "/oauth2/token")

    def ask() -> Any:
        fields, _ = fapi.credentials(app_client)
        return client.post("/oauth2/token", data={"grant_type": "client_credentials", **fields}, headers={"DPoP": once})

    assert ask().status_code == 200
    assert ask().json["error"] == "invalid_dpop_proof"


def test_two_proofs_are_refused(client: FlaskClient, app_client: App) -> None:
    fields, _ = fapi.credentials(app_client)
    proofs = [("DPoP", fapi.proof(client, _key(app_client), "/oauth2/token")) for _ in range(2)]

    answer = client.post("/oauth2/token", data={"grant_type": "client_credentials", **fields}, headers=proofs)

    assert answer.json["error"] == "invalid_dpop_proof"


def test_query_and_fragment_of_htu_do_not_matter(client: FlaskClient, app_client: App) -> None:
    fields, _ = fapi.credentials(app_client)
    longer = fapi.proof(client, _key(app_client), "/oauth2/token", htu="HTTP://CITY.test:80/oauth2/token?a=b#c")

    answer = client.post("/oauth2/token", data={"grant_type": "client_credentials", **fields}, headers={"DPoP": longer})

    assert answer.status_code == 200, answer.json


def test_terminal_proves_the_key_it_was_enrolled_with(client: FlaskClient, work: UnitOfWork) -> None:
    with unit_of_work():
        terminal = world.new_terminal()

    def ask(key: Any) -> Any:
        form = {"grant_type": "client_credentials", "client_assertion_type": fapi.ASSERTION_TYPE,
                "client_assertion": world.assertion(terminal)}  # fmt: skip
        return client.post("/oauth2/token", data=form, headers={"DPoP": fapi.proof(client, key, "/oauth2/token")})

    assert ask(jose.new_key()).json["error"] == "invalid_dpop_proof"
    body = ask(terminal.key).json
    assert body["token_type"] == "DPoP"
    assert jose.peek(body["access_token"])[1]["cnf"] == {"jkt": terminal.key.thumbprint()}


def test_nonces_of_all_workers_are_the_same_and_end(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with client.application.app_context():
        held = dpop.fresh_nonce()
        ahead = time.time() + 4 * 120
        monkeypatch.setattr(dpop.time, "time", lambda: ahead)
        with pytest.raises(dpop.NonceWanted):
            dpop._check_nonce({"nonce": held})
        dpop._check_nonce({"nonce": dpop.fresh_nonce()})


def test_json_of_a_proof_is_read_strictly(client: FlaskClient, app_client: App) -> None:
    whole = fapi.proof(client, _key(app_client), "/oauth2/token")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "ES256"}).encode() + b" ").rstrip(b"=").decode()
    fields, _ = fapi.credentials(app_client)

    answer = client.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials", **fields},
        headers={"DPoP": head + "." + whole.partition(".")[2]},
    )

    assert answer.json["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("shift", [-10, 9])
def test_clock_of_the_proof_may_differ_a_little(client: FlaskClient, app_client: App, shift: int) -> None:
    fields, _ = fapi.credentials(app_client)
    own = fapi.proof(client, _key(app_client), "/oauth2/token", iat=int(time.time()) + shift)

    answer = client.post("/oauth2/token", data={"grant_type": "client_credentials", **fields}, headers={"DPoP": own})

    assert answer.status_code == 200, answer.json
