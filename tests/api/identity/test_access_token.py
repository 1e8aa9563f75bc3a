"""Only our own, live, rightly addressed access tokens are believed."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import ECKey

from app.db import UnitOfWork, unit_of_work
from identity.oidc import jose, keys
from identity.oidc.keys import public_members
from tests.api.identity import world
from tests.api.identity.test_terminal_token import forged

ME = "/api/identity/me"


@pytest.fixture
def token(client: FlaskClient, work: UnitOfWork) -> str:
    with unit_of_work():
        citizen, app_client = world.new_citizen(), world.new_client()
    issued: str = world.citizen_tokens(client, citizen, app_client)["access_token"]
    client.delete_cookie("suxin-session")
    return issued


def resigned(token: str, *, key: ECKey | None = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return the token with changed claims or header, signed by our own key or another."""
    with unit_of_work():
        kid, own = keys.active()
    old_header, claims = jose.peek(token)
    kept = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    full = {**old_header, "kid": kid, **(header or {})}
    return jose.sign(kept, key or own, typ=full.pop("typ"), header={n: v for n, v in full.items() if v is not None})


def test_own_token_is_believed(client: FlaskClient, token: str) -> None:
    assert client.get(ME, headers=world.bearer(token)).status_code == 200
    assert client.get(ME, headers=world.bearer(resigned(token))).status_code == 200


WRONG: dict[str, Callable[[str], str]] = {
    "expired": lambda t: resigned(t, iat=int(time.time()) - 400, exp=int(time.time()) - 1),
    "from the future": lambda t: resigned(t, iat=int(time.time()) + 100),
    "no exp": lambda t: resigned(t, exp=None),
    "exp as text": lambda t: resigned(t, exp="9999999999"),
    "endless exp": lambda t: forged(jose.peek(t)[1], {"alg": "ES256"}, b"x" * 64).replace("exp", "1e999"),
    "other issuer": lambda t: resigned(t, iss="https://evil.test"),
    "audience of a plugin": lambda t: resigned(t, aud=world.HEALTH),
    "audience as array": lambda t: resigned(t, aud=[world.ISSUER]),
    "no audience": lambda t: resigned(t, aud=None),
    "kind of the system": lambda t: resigned(t, kind="system"),
    "unknown kind": lambda t: resigned(t, kind="root"),
    "no jti": lambda t: resigned(t, jti=None),
    "an ID token": lambda t: resigned(t, header={"typ": "JWT"}),
    "no kid": lambda t: resigned(t, header={"kid": None}),
    "unknown kid": lambda t: resigned(t, header={"kid": "k"}),
    "kid as injection": lambda t: resigned(t, header={"kid": "' or 1=1 --"}),
    "long kid": lambda t: resigned(t, header={"kid": "k" * 2000}),
    "stranger's key": lambda t: resigned(t, key=jose.new_key()),
    "stranger's key in jwk": lambda t: _own_jwk(t),  # noqa: PLW0108
    "stranger's key by jku": lambda t: resigned(t, key=jose.new_key(), header={"jku": "https://evil.test/jwks"}),
    "signature cut": lambda t: t[:-4],
    "signature stripped": lambda t: t.rpartition(".")[0] + ".",
    "signature zero": lambda t: t.rpartition(".")[0] + "." + base64.urlsafe_b64encode(b"\0" * 64).rstrip(b"=").decode(),
    "scope changed": lambda t: _with_payload(t, scope="openid profile presence:verify"),
    "sub changed": lambda t: _with_payload(t, sub="sub_" + "0" * 26),
    "oversize": lambda t: t + "A" * 9000,
    "empty": lambda t: "",
    "two tokens": lambda t: f"{t} {t}",
    **{
        f"alg {alg}": lambda t, a=alg: forged(jose.peek(t)[1], {**jose.peek(t)[0], "alg": a}, b"x" * 64)  # type: ignore[misc]
        for alg in ("none", "None", "NONE", "nOnE", "HS256", "RS256", "PS256", "ES384", "ES512", "EdDSA", "", None)
    },
    **{
        f"alg {alg} unsigned": lambda t, a=alg: forged(jose.peek(t)[1], {**jose.peek(t)[0], "alg": a})  # type: ignore[misc]
        for alg in ("none", "None", "NONE", "nOnE")
    },
}


def _own_jwk(token: str) -> str:
    own = jose.new_key()
    return resigned(token, key=own, header={"jwk": public_members(own), "kid": own.thumbprint()})


def _with_payload(token: str, **changes: Any) -> str:
    header, _, signature = token.split(".")
    claims = {**jose.peek(token)[1], **changes}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


@pytest.mark.parametrize("forge", WRONG.values(), ids=WRONG.keys())
def test_wrong_token_is_refused(client: FlaskClient, token: str, forge: Callable[[str], str]) -> None:
    answer = client.get(ME, headers=world.bearer(forge(token)))

    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Token x", "DPoP x"])
def test_other_credentials_are_refused(client: FlaskClient, token: str, header: str) -> None:
    assert client.get(ME, headers={"Authorization": header}).status_code == 401


def test_token_in_query_or_body_counts_for_nothing(client: FlaskClient, token: str) -> None:
    assert client.get(f"{ME}?access_token={token}").status_code == 401


def test_next_key_is_published_and_signs_nothing_yet(client: FlaskClient, token: str) -> None:
    published = client.get("/oauth2/jwks").json["keys"]

    assert len(published) == 4
    members = {"ES256": {"crv", "x", "y"}, "RS256": {"n", "e"}}
    assert all(set(each) == {"kty", "kid", "use", "alg"} | members[each["alg"]] for each in published)
    with pytest.raises(keys.TooEarly), unit_of_work():
        keys.rotate()


def test_metadata_names_what_works(client: FlaskClient, work: UnitOfWork) -> None:
    for path in ("openid-configuration", "oauth-authorization-server"):
        document = client.get(f"/.well-known/{path}").json
        assert document["issuer"] == world.ISSUER
        assert document["code_challenge_methods_supported"] == ["S256"]
        for name in ("token_endpoint", "jwks_uri", "authorization_endpoint", "userinfo_endpoint"):
            path_of = document[name].removeprefix(world.ISSUER)
            assert client.get(path_of).status_code != 404


def test_the_metadata_names_every_scope_a_route_asks_for(client: FlaskClient) -> None:
    offered = client.get("/.well-known/openid-configuration").get_json()["scopes_supported"]

    assert {"openid", "presence:verify", "certificates:read", "notices:read", "health:settle"} <= set(offered)
