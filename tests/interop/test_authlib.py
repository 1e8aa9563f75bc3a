"""Authlib's client, unmodified, with its own checks of the ID token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop import clients
from tests.interop.citizen import Citizen
from tests.served import City

pytest.importorskip("requests", reason="not installed: requirements/interop.lock")

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet


@pytest.fixture
def mobile(city: City) -> Iterator[Any]:
    me = clients.public(city)
    with OAuth2Session(
        me["client_id"], scope=clients.own_resource(me, city)[1], redirect_uri=me["redirect_uris"][0],
        token_endpoint_auth_method="none", code_challenge_method="S256",
    ) as held:  # fmt: skip
        held.trust_env = False
        yield held


def log_in(held: Any, city: City, citizen: Citizen, **more: Any) -> dict[str, Any]:
    """Run the code flow; returns the token answer."""
    verifier = "v" * 60
    address, state = held.create_authorization_url(
        f"{city.base}/oauth2/authorize", code_verifier=verifier, nonce="nonce-of-authlib", **more
    )
    found: dict[str, Any] = held.fetch_token(
        f"{city.base}/oauth2/token", authorization_response=citizen.visit(address), code_verifier=verifier, state=state
    )
    return found


def test_the_metadata_passes_authlibs_validation(city: City) -> None:
    with OAuth2Session("nobody") as plain:
        document = plain.get(f"{city.base}/.well-known/openid-configuration", withhold_token=True).json()

    # Authlib wants https for every address; all else of the document is checked as it is.
    secured = {
        name: value.replace("http://", "https://") if isinstance(value, str) else value
        for name, value in document.items()
    }
    OpenIDProviderMetadata(secured).validate()
    assert document["issuer"] == city.base


def test_a_public_client_logs_in_and_its_id_token_passes_every_check(mobile: Any, city: City, citizen: Citizen) -> None:
    token = log_in(mobile, city, citizen)
    keys = KeySet.import_key_set(mobile.get(f"{city.base}/oauth2/jwks", withhold_token=True).json())

    decoded = jwt.decode(token["id_token"], keys, algorithms=["ES256"])
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {"iss": {"essential": True, "value": city.base}, "aud": {"essential": True, "value": mobile.client_id}},
        {"nonce": "nonce-of-authlib", "client_id": mobile.client_id, "access_token": token["access_token"]},
    )
    claims.validate()
    assert mobile.get(f"{city.base}/oauth2/userinfo").json()["sub"] == claims["sub"]


def test_it_refreshes_and_revokes(mobile: Any, city: City, citizen: Citizen) -> None:
    first = log_in(mobile, city, citizen)

    second = mobile.refresh_token(f"{city.base}/oauth2/token")
    gone = mobile.revoke_token(f"{city.base}/oauth2/revoke", token=second["refresh_token"])

    assert first["refresh_token"] != second["refresh_token"]
    assert gone.status_code == 200
    with pytest.raises(Exception, match="invalid_grant"):
        mobile.refresh_token(f"{city.base}/oauth2/token", refresh_token=second["refresh_token"])


def test_a_program_authenticates_by_private_key_jwt_and_introspects(mobile: Any, city: City, citizen: Citizen) -> None:
    token = log_in(mobile, city, citizen)
    me = clients.with_grant(city, "client_credentials")
    resource, scope = clients.own_resource(me, city)
    method = PrivateKeyJWT(
        token_endpoint=f"{city.base}/oauth2/token", headers={"kid": me["private_jwk"]["kid"]}, alg="ES256"
    )
    with OAuth2Session(
        me["client_id"], ECKey.import_key(me["private_jwk"]), scope=scope, token_endpoint_auth_method="private_key_jwt"
    ) as program:
        program.trust_env = False
        program.register_client_auth_method(method)

        own = program.fetch_token(f"{city.base}/oauth2/token", grant_type="client_credentials", resource=resource)
        told = program.introspect_token(f"{city.base}/oauth2/introspect", token=token["access_token"]).json()

    assert own["token_type"] == "Bearer"
    assert told["active"]
    assert told["client_id"] == mobile.client_id
