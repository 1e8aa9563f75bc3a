"""No forged credential is believed anywhere, and the same rows find every verifier that has a known bug."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import ECKey

from app.db import UnitOfWork, session
from identity.oidc import asked, assertion, client_keys, dpop, hints, jose, presented, refresh_token, replay, verify
from identity.oidc.models import AuthorizationCode, Client
from tests.api.identity import fapi, world
from tests.trust.forged import tables
from tests.trust.forged.victims import (
    ACCESS_TOKEN_AT,
    ASSERTION_AT,
    Victims,
    hint_at,
    proof_at_endpoint,
    proof_at_resource,
    redirected_to,
    victims,
)

Tried = list[tuple[str, bool]]


@pytest.fixture
def v(client: FlaskClient, work: UnitOfWork) -> Victims:
    return victims(client)


@pytest.fixture
def committed(clean_city: Flask) -> Victims:
    """The same on a city that really commits: what a refused request spent stays spent."""
    with clean_city.app_context():
        return victims(clean_city.test_client())


def access_tokens(v: Victims) -> Tried:
    made = {name: make(v) for name, make in tables.ACCESS_TOKENS.items()}
    return [
        (f"{name} at {place}", show(v, token))
        for name, token in made.items()
        for place, show in ACCESS_TOKEN_AT.items()
        # Introspection has no audience of its own: its caller serves this one.
        if (name, place) not in _RIGHT_AT_INTROSPECTION
    ]


_RIGHT_AT_INTROSPECTION = {
    ("audience of a plugin", "introspection"),
    ("bound, shown as bearer", "introspection"),
}  # fmt: skip


def assertions(v: Victims) -> Tried:
    rows = tables.TERMINAL_ASSERTIONS | {f"client's {name}": make for name, make in tables.CLIENT_ASSERTIONS.items()}
    return [
        (f"{name} at {place}", show(v, make(v))) for name, make in rows.items() for place, show in ASSERTION_AT.items()
    ]


def proofs(v: Victims) -> Tried:
    tried = [
        (f"{name} at {path}", proof_at_endpoint(v, path, make(v.client, v.bank, {"path": path})))
        for name, make in tables.PROOFS.items()
        for path in ("/oauth2/token", "/oauth2/par")
    ]
    return tried + [
        (
            f"{name} at {path}",
            proof_at_resource(v, path, make(v.client, v.bank, {"path": path, "method": "GET", "token": v.bound})),
        )
        for name, make in tables.RESOURCE_PROOFS.items()
        for path in ("/oauth2/userinfo", "/api/identity/me")
    ]


def id_token_hints(v: Victims) -> Tried:
    return [(name, hint_at(v, make(v))) for name, make in tables.HINTS.items()]


def redirect_uris(v: Victims) -> Tried:
    return [
        (f"{each} of {app.method}", redirected_to(v, app, each))
        for each in tables.REDIRECTS
        for app in (v.plain, v.bank)
    ]


def replays(v: Victims) -> Tried:
    """True credentials, shown a second time or by somebody else."""
    signed = fapi.assertion(v.bank)
    proof = fapi.proof(v.client, v.bank.dpop, "/oauth2/token")  # type: ignore[arg-type]
    ASSERTION_AT["token"](v, signed)
    proof_at_endpoint(v, "/oauth2/token", proof)
    code, pkce = fapi.new_code(v.client, v.plain, v.citizen)
    other = fapi.redeem(v.client, v.server, code, pkce)
    wrong = fapi.redeem(v.client, v.plain, code, world.Pkce.fresh())
    spent = fapi.redeem(v.client, v.plain, code, pkce)
    return [
        ("assertion again", ASSERTION_AT["token"](v, signed)),
        ("assertion again elsewhere", ASSERTION_AT["par"](v, signed)),
        ("proof again", proof_at_endpoint(v, "/oauth2/token", proof)),
        ("another's code", other.status_code == 200),
        ("code with another verifier", wrong.status_code == 200),
        ("spent code", spent.status_code == 200),
    ]


KINDS: dict[str, Callable[[Victims], Tried]] = {
    "access tokens": access_tokens,
    "assertions": assertions,
    "proofs": proofs,
    "id token hints": id_token_hints,
    "redirect uris": redirect_uris,
}
LEAST = {
    "access tokens": 250,
    "assertions": 300,
    "proofs": 170,
    "id token hints": 15,
    "redirect uris": 50,
}


@pytest.mark.parametrize("kind", KINDS)
def test_none_is_accepted(v: Victims, kind: str) -> None:
    tried = KINDS[kind](v)

    assert [name for name, accepted in tried if accepted] == []
    assert len(tried) >= LEAST[kind], len(tried)


def test_no_replay_is_accepted(committed: Victims) -> None:
    assert [name for name, accepted in replays(committed) if accepted] == []


def test_true_ones_are_accepted(v: Victims) -> None:
    assert all(show(v, v.bearer) for show in ACCESS_TOKEN_AT.values())
    assert all(show(v, fapi.assertion(v.bank)) for show in ASSERTION_AT.values())
    assert all(show(v, world.assertion(v.terminal)) for show in ASSERTION_AT.values())
    assert hint_at(v, v.hint)
    assert redirected_to(v, v.plain, world.CALLBACK)
    assert redirected_to(v, v.bank, world.CALLBACK)
    assert v.bank.dpop is not None
    for path in ("/oauth2/token", "/oauth2/par"):
        assert proof_at_endpoint(v, path, fapi.proof(v.client, v.bank.dpop, path))
    for path in ("/oauth2/userinfo", "/api/identity/me"):
        proof = fapi.proof(v.client, v.bank.dpop, path, method="GET", token=v.bound)
        assert proof_at_resource(v, path, proof)


class _Anything:
    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def _loose(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload = (json.loads(base64.urlsafe_b64decode(part + "===")) for part in token.split(".")[:2])
    return header, payload


def _buggy_verify(trusts: Callable[[Mapping[str, Any], str], bool]) -> Any:
    """Return a `jose.verify` that believes more than ours where `trusts` says so."""
    strict = jose.verify

    def verify_(token: str, *, typ: Any, find_key: Any) -> dict[str, Any]:
        try:
            return strict(token, typ=typ, find_key=find_key)
        except jose.BadToken:
            try:
                header, claims = _loose(token)
                if trusts(header, token):
                    return claims
            except (ValueError, TypeError, AttributeError):
                pass
            raise

    return verify_


def _none(header: Mapping[str, Any], _: str) -> bool:
    return str(header.get("alg")).lower() == "none"


def _header_key(header: Mapping[str, Any], token: str) -> bool:
    try:
        return bool(jws.deserialize_compact(token, ECKey.import_key(header["jwk"]), algorithms=["ES256"]))
    except Exception:
        return False


def _patch(*pairs: tuple[Any, str, Any]) -> Callable[[pytest.MonkeyPatch], None]:
    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        for owner, name, value in pairs:
            monkeypatch.setattr(owner, name, value)

    return apply


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _unbound_code(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("identity.oidc.grants.authorization_code")
    real = module._consume

    def careless(code: str, caller: Any) -> Any:
        found = session().get(AuthorizationCode, module.code_hash(code))
        return real(code, replace(caller, id=found.client_id) if found is not None else caller)

    monkeypatch.setattr(module, "_consume", careless)


def _by_beginning(client: Client, params: dict[str, str]) -> str:
    return params["redirect_uri"]


CONTROLS: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "alg none accepted": ("access tokens", _patch((jose, "verify", _buggy_verify(_none)))),
    "key of the header trusted": ("access tokens", _patch((jose, "verify", _buggy_verify(_header_key)))),
    "signature not looked at": ("access tokens", _patch((jose.jws, "deserialize_compact", _nothing))),
    "typ not checked": ("access tokens", _patch((verify, "_TYPES", frozenset({"at+jwt", "JWT"})))),
    "iss not checked": ("access tokens", _patch((verify, "issuer", _Anything))),
    "aud not checked": ("access tokens", _patch((verify, "resource_of", lambda _: _Anything()))),
    "times not checked": ("access tokens", _patch((verify, "_check_now", _nothing))),
    "RSA key signs access tokens": ("access tokens", _patch((verify, "_own_access_key", verify.own_key))),
    "bound token taken as bearer": ("access tokens", _patch((presented, "check_key", _nothing))),
    "assertion alg none accepted": ("assertions", _patch((jose, "verify", _buggy_verify(_none)))),
    "assertion key of the header": ("assertions", _patch((jose, "verify", _buggy_verify(_header_key)))),
    "crit and typ ignored": ("assertions", _patch((jose, "_check_header", _nothing))),
    "assertion aud not checked": ("assertions", _patch((assertion, "_check_audience", _nothing))),
    "assertion lifetime not checked": ("assertions", _patch((assertion, "_check_lifetime", _nothing))),
    "htm and htu not checked": ("proofs", _patch((dpop, "_check_target", _nothing))),
    "iat of proofs not checked": ("proofs", _patch((dpop, "_check_time", lambda claims: 4e9))),
    "ath not checked": ("proofs", _patch((dpop, "_check_token", _nothing))),
    "nonce not checked": ("proofs", _patch((dpop, "_check_nonce", _nothing))),
    "typ of proofs not checked": ("proofs", _patch((dpop, "_TYPE", frozenset({"dpop+jwt", "JWT"})))),
    "proofs need no signature": ("proofs", _patch((jose.jws, "deserialize_compact", _nothing))),
    "hint need not be ours": ("id token hints", _patch((jose, "verify", _buggy_verify(_none)))),
    "issuer of hints not checked": ("id token hints", _patch((hints, "issuer", _Anything))),
    "redirect by its beginning": ("redirect uris", _patch((asked, "_registered", _by_beginning))),
}  # fmt: skip


@pytest.mark.parametrize("bug", CONTROLS)
def test_a_verifier_with_the_bug_is_found_by_the_same_rows(
    v: Victims, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    kind, plant = CONTROLS[bug]
    plant(monkeypatch)

    tried = KINDS[kind](v)

    assert [name for name, accepted in tried if accepted], "the rows do not see this bug"


REPLAY_CONTROLS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "reuse allowed": _patch((client_keys, "spend", lambda *_: []), (replay, "seen_before", lambda _: [])),
    "PKCE not checked": _patch(
        (import_module("identity.oidc.grants.authorization_code"), "_check_verifier", _nothing),
    ),
    "code not bound to its client": _unbound_code,
}


@pytest.mark.parametrize("bug", REPLAY_CONTROLS)
def test_a_store_with_the_bug_is_found_by_the_same_replays(
    committed: Victims, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    REPLAY_CONTROLS[bug](monkeypatch)

    assert [name for name, accepted in replays(committed) if accepted], "the replays do not see this bug"


def test_refresh_token_without_its_mac_is_found(v: Victims, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = fapi.tokens(v.client, v.plain, v.citizen)["refresh_token"].partition(".")[0]
    forged = f"{grant}.0.{'A' * 43}"
    assert fapi.refresh(v.client, v.plain, forged).status_code == 400

    monkeypatch.setattr(refresh_token.hmac, "compare_digest", lambda *_: True)

    assert fapi.refresh(v.client, v.plain, forged).status_code == 200
