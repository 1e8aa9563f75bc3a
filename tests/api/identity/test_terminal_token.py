"""Terminals authenticate with their key and get tokens for one audience."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from flask import Flask
from flask.testing import FlaskClient

from app.db import UnitOfWork, unit_of_work
from identity.devices.service import resume, suspend
from identity.oidc import jose
from identity.oidc.keys import public_members
from tests.api.identity import world
from tests.api.identity.world import Terminal


@pytest.fixture
def terminal(work: UnitOfWork) -> Terminal:
    return world.new_terminal()


def test_terminal_gets_a_token_of_the_core_by_default(client: FlaskClient, terminal: Terminal) -> None:
    answer = world.ask_token(client, world.assertion(terminal))

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 300
    header, claims = jose.peek(answer.json["access_token"])
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "ES256"
    assert claims["aud"] == world.ISSUER
    assert claims["scope"] == "presence:verify"
    assert claims["kind"] == "terminal"
    assert claims["client_id"] == claims["sub"] == terminal.id


def test_organisation_has_another_id_in_each_audience(client: FlaskClient, terminal: Terminal) -> None:
    core = jose.peek(world.terminal_token(client, terminal))[1]
    health = jose.peek(world.terminal_token(client, terminal, resource=world.HEALTH))[1]

    assert health["aud"] == world.HEALTH
    assert health["scope"] == "health:quote health:settle"
    assert core["org"] != health["org"]
    assert terminal.organisation_id not in (core["org"], health["org"])


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"resource": f"{world.ISSUER}/api/housing"}, "invalid_target"),
        ({"resource": "https://elsewhere.test"}, "invalid_target"),
        ({"resource": f"{world.ISSUER}/api/../api/health"}, "invalid_target"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "health:settle"}, "invalid_scope"),
        ({"client_id": "terminal_other"}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client"),
        ({"client_assertion_type": "urn:x"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ],
)
def test_wrong_token_request_is_refused(
    client: FlaskClient, terminal: Terminal, more: dict[str, str], error: str
) -> None:
    answer = world.ask_token(client, world.assertion(terminal), **more)

    assert answer.json["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)


def test_repeated_parameter_is_refused(client: FlaskClient, terminal: Terminal) -> None:
    body = f"grant_type=client_credentials&grant_type=client_credentials&client_assertion={world.assertion(terminal)}"

    answer = client.post("/oauth2/token", data=body, content_type="application/x-www-form-urlencoded")

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_parameters_in_json_or_query_are_refused(client: FlaskClient, terminal: Terminal) -> None:
    assert client.post("/oauth2/token", json={"grant_type": "client_credentials"}).json["error"] == "invalid_request"
    assert client.post("/oauth2/token?grant_type=client_credentials").json["error"] == "invalid_request"


NOW = time.time
CLAIMS: dict[str, Callable[[], dict[str, Any]]] = {
    "other issuer": lambda: {"iss": "terminal_other"},
    "no issuer": lambda: {"iss": None},
    "other subject": lambda: {"sub": "terminal_other"},
    "subject is a list": lambda: {"sub": ["x"]},
    "audience is an array": lambda: {"aud": [world.ISSUER]},
    "audience is the endpoint": lambda: {"aud": f"{world.ISSUER}/oauth2/token"},
    "audience with a slash": lambda: {"aud": f"{world.ISSUER}/"},
    "no audience": lambda: {"aud": None},
    "expired": lambda: {"iat": NOW() - 50, "exp": NOW() - 1},
    "no exp": lambda: {"exp": None},
    "exp is a text": lambda: {"exp": str(NOW() + 30)},
    "exp is true": lambda: {"exp": True},
    "exp too far": lambda: {"exp": NOW() + 3600},
    "no iat": lambda: {"iat": None},
    "iat too old": lambda: {"iat": NOW() - 600},
    "iat in the future": lambda: {"iat": NOW() + 65},
    "nbf in the future": lambda: {"nbf": NOW() + 65},
    "no jti": lambda: {"jti": None},
    "jti too short": lambda: {"jti": "1"},
    "jti too long": lambda: {"jti": "j" * 129},
    "jti is a number": lambda: {"jti": 12345678},
    "oversize": lambda: {"filler": "x" * 9000},
}


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS.keys())
def test_assertion_with_wrong_claims_is_refused(
    client: FlaskClient, terminal: Terminal, changes: Callable[[], dict[str, Any]]
) -> None:
    answer = world.ask_token(client, world.assertion(terminal, **changes()))

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def forged(claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    """Return a JWS put together by hand."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def signed_by_hand(terminal: Terminal, header: dict[str, Any]) -> str:
    """Return an assertion under any header, with a true ES256 signature."""
    unsigned = forged(world.assertion_claims(terminal), header).rstrip(".")
    der = terminal.key.private_key.sign(unsigned.encode(), ec.ECDSA(hashes.SHA256()))
    signature = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))
    return unsigned + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


def hmac_with_public_key(claims: dict[str, Any], terminal: Terminal) -> str:
    """Return an HS256 token keyed with the terminal's public key, the classic confusion."""
    unsigned = forged(claims, {"alg": "HS256", "typ": "JWT"}).rstrip(".")
    secret = json.dumps(public_members(terminal.key)).encode()
    digest = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    return unsigned + "." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


FORGERIES: dict[str, Callable[[Terminal], str]] = {
    **{
        f"alg {alg} {len(signature)} bytes": lambda t, a=alg, s=signature: forged(  # type: ignore[misc]
            world.assertion_claims(t), {"alg": a, "typ": "JWT"}, s
        )
        for alg in ("none", "None", "NONE", "nOnE", "", "RS256", "PS256", "ES384", "EdDSA", "HS256", None, 7)
        for signature in (b"", b"\0" * 64, b"x" * 64)
    },
    "no alg": lambda t: forged(world.assertion_claims(t), {"typ": "JWT"}, b"x" * 64),
    "null signature ES256": lambda t: forged(world.assertion_claims(t), {"alg": "ES256"}, b"\0" * 64),
    "empty signature ES256": lambda t: forged(world.assertion_claims(t), {"alg": "ES256"}),
    "HS256 by public key": lambda t: hmac_with_public_key(world.assertion_claims(t), t),
    "another's key": lambda t: world.assertion(t, key=jose.new_key()),
    "another's key, jwk in header": lambda t: _with_own_jwk(t),  # noqa: PLW0108
    "another's key, jku in header": lambda t: world.assertion(
        t, key=jose.new_key(), header={"jku": "https://evil.test/jwks"}
    ),
    "another's key, kid of path": lambda t: world.assertion(t, key=jose.new_key(), header={"kid": "../../dev/null"}),
    "unknown crit": lambda t: forged(world.assertion_claims(t), {"alg": "ES256", "crit": ["x"], "x": 1}, b"x" * 64),
    "detached payload": lambda t: _detached(t),  # noqa: PLW0108
    "type of an access token": lambda t: jose.sign(world.assertion_claims(t), t.key, typ="at+jwt"),
    "payload changed": lambda t: _changed_payload(t),  # noqa: PLW0108
    "four segments": lambda t: world.assertion(t) + ".e30",
    "two segments": lambda t: world.assertion(t).rpartition(".")[0],
    "padding": lambda t: world.assertion(t) + "=",
    "white space": lambda t: world.assertion(t).replace(".", ". "),
    "not base64": lambda t: "a.b.c",
    "words": lambda t: "let me in",
    "header is a list": lambda t: "W10." + world.assertion(t).partition(".")[2],
    "deep nesting": lambda t: _raw(b"[" * 4000, b"{}"),
    "member twice": lambda t: _raw(b'{"alg":"ES256","alg":"none"}', b"{}"),
    "not a number": lambda t: _raw(b'{"alg":"ES256"}', b'{"exp":NaN}'),
    "not utf-8": lambda t: _raw(b"\xff\xfe", b"{}"),
}


def _with_own_jwk(terminal: Terminal) -> str:
    own = jose.new_key()
    return world.assertion(terminal, key=own, header={"jwk": public_members(own)})


def _detached(terminal: Terminal) -> str:
    header, _, signature = world.assertion(terminal).split(".")
    return f"{header}..{signature}"


def _changed_payload(terminal: Terminal) -> str:
    header, _, signature = world.assertion(terminal).split(".")
    return f"{header}.{world.assertion(terminal).split('.')[1]}.{signature}"


def _raw(header: bytes, payload: bytes) -> str:
    parts = (header, payload, b"x" * 64)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_forged_assertion_is_refused(client: FlaskClient, terminal: Terminal, forge: Callable[[Terminal], str]) -> None:
    answer = world.ask_token(client, forge(terminal))

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_unknown_crit_is_refused_although_the_signature_is_true(client: FlaskClient, terminal: Terminal) -> None:
    signed = signed_by_hand(terminal, {"alg": "ES256", "typ": "JWT", "crit": ["x-own"], "x-own": 1})

    answer = world.ask_token(client, signed)

    assert answer.json["error_description"] == "an unknown critical header"


def test_used_assertion_is_refused(client: FlaskClient, terminal: Terminal) -> None:
    signed = world.assertion(terminal)

    assert world.ask_token(client, signed).status_code == 200
    assert world.ask_token(client, signed).json["error"] == "invalid_client"


def test_assertion_is_spent_although_the_request_failed(clean_city: Flask) -> None:
    client = clean_city.test_client()
    with clean_city.app_context(), unit_of_work():
        signed = world.assertion(world.new_terminal())

    assert world.ask_token(client, signed, scope="nothing:here").json["error"] == "invalid_scope"
    assert world.ask_token(client, signed).json["error"] == "invalid_client"


def test_equal_jti_of_two_terminals_is_no_replay(client: FlaskClient, work: UnitOfWork) -> None:
    one, two, jti = world.new_terminal(), world.new_terminal(), secrets.token_urlsafe(12)

    assert world.ask_token(client, world.assertion(one, jti=jti)).status_code == 200
    assert world.ask_token(client, world.assertion(two, jti=jti)).status_code == 200


def test_of_parallel_uses_of_one_assertion_one_wins(clean_city: Flask) -> None:
    with clean_city.app_context(), unit_of_work():
        terminal = world.new_terminal()
    signed = world.assertion(terminal)

    def ask(_: int) -> int:
        status: int = world.ask_token(clean_city.test_client(), signed).status_code
        return status

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(ask, range(6)))

    assert answers == [200] + [401] * 5


def test_suspended_terminal_stops_at_once(client: FlaskClient, terminal: Terminal) -> None:
    token = world.terminal_token(client, terminal)

    with unit_of_work():
        suspend(terminal.id)

    assert world.ask_token(client, world.assertion(terminal)).json["error"] == "invalid_client"
    assert client.get("/api/identity/me", headers=world.bearer(token)).status_code == 401
    with unit_of_work():
        resume(terminal.id)
    assert world.ask_token(client, world.assertion(terminal)).status_code == 200
