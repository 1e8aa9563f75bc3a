"""Python requests-oauthlib, unmodified: an older web application with a secret, and the mobile app with PKCE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop import clients
from tests.interop.citizen import Citizen
from tests.served import City

requests_oauthlib = pytest.importorskip("requests_oauthlib", reason="not installed: requirements/interop.lock")


@pytest.fixture(autouse=True)
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library wants https or this word of its own; the demo city is on the loopback address.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")


def session_of(me: dict[str, Any], city: City) -> Any:
    """Return the library's session for a client of the demo export."""
    _, scope = clients.own_resource(me, city)
    return requests_oauthlib.OAuth2Session(
        me["client_id"], redirect_uri=me["redirect_uris"][0], scope=scope.split(), pkce="S256"
    )


@pytest.fixture
def portal(city: City, citizen: Citizen) -> Iterator[tuple[Any, dict[str, Any], Any]]:
    me = clients.older(city)
    held = session_of(me, city)
    with held:
        address, _ = held.authorization_url(f"{city.base}/oauth2/authorize")
        callback = citizen.visit(address)
        held.fetch_token(
            f"{city.base}/oauth2/token",
            authorization_response=callback,
            auth=requests_oauthlib.oauth2_session.requests.auth.HTTPBasicAuth(me["client_id"], me["client_secret"]),
        )
        yield (
            held,
            me,
            requests_oauthlib.oauth2_session.requests.auth.HTTPBasicAuth(me["client_id"], me["client_secret"]),
        )


def test_a_client_with_a_secret_logs_in_and_reads_userinfo(portal: Any, city: City) -> None:
    held, _, _ = portal

    told = held.get(f"{city.base}/oauth2/userinfo").json()

    assert told["sub"].startswith("sub_")
    assert told["name"].endswith("*")


def test_it_refreshes_with_rotation_and_the_old_token_ends_the_family(portal: Any, city: City) -> None:
    held, _, secret = portal
    first = held.token["refresh_token"]

    second = held.refresh_token(f"{city.base}/oauth2/token", auth=secret)
    third = held.refresh_token(f"{city.base}/oauth2/token", auth=secret)

    assert len({first, second["refresh_token"], third["refresh_token"]}) == 3
    with pytest.raises(Exception, match="invalid_grant"):
        held.refresh_token(f"{city.base}/oauth2/token", refresh_token=first, auth=secret)
    with pytest.raises(Exception, match="invalid_grant"):
        held.refresh_token(f"{city.base}/oauth2/token", refresh_token=third["refresh_token"], auth=secret)


def test_it_introspects_and_revokes(portal: Any, city: City) -> None:
    held, _, secret = portal
    asked = {"token": held.token["refresh_token"]}

    before = held.post(f"{city.base}/oauth2/introspect", data=asked, auth=secret, withhold_token=True).json()
    revoked = held.post(f"{city.base}/oauth2/revoke", data=asked, auth=secret, withhold_token=True)
    after = held.post(f"{city.base}/oauth2/introspect", data=asked, auth=secret, withhold_token=True).json()

    assert before["active"]
    assert revoked.status_code == 200
    assert after == {"active": False}


def test_the_mobile_app_logs_in_by_pkce_alone(city: City, citizen: Citizen) -> None:
    me = clients.public(city)
    with session_of(me, city) as held:
        address, _ = held.authorization_url(f"{city.base}/oauth2/authorize")
        held.fetch_token(
            f"{city.base}/oauth2/token", authorization_response=citizen.visit(address), include_client_id=True
        )

        assert held.get(f"{city.base}/api/identity/me").json()["name"].endswith("*")
