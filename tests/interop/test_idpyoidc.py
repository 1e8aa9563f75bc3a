"""Python idpyoidc, unmodified: discovery, code, refresh, userinfo and log-out of an older web application."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.interop import clients
from tests.interop.citizen import Citizen
from tests.served import City

pytest.importorskip("idpyoidc", reason="not installed: requirements/interop.lock")

from idpyoidc.client.defaults import DEFAULT_KEY_DEFS, DEFAULT_OIDC_SERVICES
from idpyoidc.client.rp_handler import RPHandler


@pytest.fixture
def handler(city: City) -> RPHandler:
    me = clients.older(city)
    return RPHandler(
        base_url="http://127.0.0.1:8768",
        # Its usual key definitions write into the working folder.
        key_conf={"key_defs": DEFAULT_KEY_DEFS},
        client_configs={
            city.base: {
                "issuer": city.base,
                "client_id": me["client_id"],
                "client_secret": me["client_secret"],
                "client_type": "oidc",
                "redirect_uris": me["redirect_uris"],
                "post_logout_redirect_uris": me["post_logout_redirect_uris"],
                "response_types_supported": ["code"],
                "scopes_supported": ["openid", "profile"],
                "client_authn_methods": {
                    "client_secret_basic": "idpyoidc.client.client_auth.ClientSecretBasic",
                    "bearer_header": "idpyoidc.client.client_auth.BearerHeader",
                },
                "services": {
                    **DEFAULT_OIDC_SERVICES,
                    "userinfo": {"class": "idpyoidc.client.oidc.userinfo.UserInfo"},
                    "refresh_token": {"class": "idpyoidc.client.oidc.refresh_access_token.RefreshAccessToken"},
                    "end_session": {"class": "idpyoidc.client.oidc.end_session.EndSession"},
                },
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "add_ons": {
                    "pkce": {
                        "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                        "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
                    }
                },
            }
        },
    )


def test_a_relying_party_logs_in_refreshes_and_logs_out(handler: RPHandler, city: City, citizen: Citizen) -> None:
    me = clients.older(city)
    address = handler.begin(issuer_id=city.base)
    callback = citizen.visit(address)
    answer = dict(parse_qsl(urlsplit(callback).query))

    found: dict[str, Any] = handler.finalize(answer["iss"], answer)
    assert "error" not in found, found
    refreshed = handler.refresh_access_token(answer["state"])
    left = citizen.visit(
        handler.logout(answer["state"], post_logout_redirect_uri=me["post_logout_redirect_uris"][0])["url"]
    )

    assert found["userinfo"]["sub"] == found["id_token"]["sub"]
    assert refreshed["access_token"] != found["token"]
    assert left.startswith(me["post_logout_redirect_uris"][0])
