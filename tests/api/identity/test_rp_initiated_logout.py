"""A client sends the browser to log out: by a true hint at once, else after a page asks.

Tests named after modules of the OpenID Foundation's suite (`oidcc-rp-initiated-logout*`) do what the module does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.db import UnitOfWork, session, unit_of_work
from identity.oidc import jose, keys
from identity.oidc.models import Client
from tests.api.identity import programs, world
from tests.api.identity.test_terminal_token import forged
from tests.api.identity.world import Citizen

BACK = "https://app.test/logged-out"
BACK_WITH_QUERY = "https://app.test/logged-out?from=suxin"


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def app_client(work: UnitOfWork) -> str:
    return listed(world.new_client())


def listed(client_id: str) -> str:
    """Let a client name addresses to return to."""
    with unit_of_work():
        session().execute(
            update(Client).where(Client.id == client_id).values(post_logout_redirect_uris=[BACK, BACK_WITH_QUERY])
        )
    return client_id


def log_out(client: FlaskClient, **params: str | None) -> Any:
    """Send the browser to the end-session address."""
    return client.get("/oauth2/logout?" + urlencode({n: v for n, v in params.items() if v is not None}))


def logged_in(client: FlaskClient) -> bool:
    """Tell whether the browser still has a session."""
    return client.get("/device").status_code == 200


def hint_of(client: FlaskClient, citizen: Citizen, app_client: str) -> str:
    """Log in through the client and return its ID token."""
    id_token: str = world.citizen_tokens(client, citizen, app_client)["id_token"]
    return id_token


def confirm(client: FlaskClient, page: Any, decision: str = "log_out") -> Any:
    """Answer the page that asks."""
    text = page.get_data(as_text=True)
    found = text.partition('name="request" value="')[2].partition('"')[0].replace("&amp;", "&")
    form = {"csrf_token": world.form_token(text), "request": found, "decision": decision}
    return client.post("/oauth2/logout/decision", data=form)


def test_oidcc_rp_initiated_logout(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    body = world.citizen_tokens(client, citizen, app_client)

    answer = log_out(client, id_token_hint=body["id_token"], post_logout_redirect_uri=BACK, state="s 1")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"{BACK}?state=s+1")
    assert answer.headers["Cache-Control"] == "no-store"
    assert not logged_in(client)
    assert client.get("/api/identity/me", headers=world.bearer(body["access_token"])).status_code == 401


def test_oidcc_rp_initiated_logout_no_state(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    hint = hint_of(client, citizen, app_client)

    answer = log_out(client, id_token_hint=hint, post_logout_redirect_uri=BACK)

    assert answer.headers["Location"] == BACK
    assert not logged_in(client)


def test_oidcc_rp_initiated_logout_no_params(client: FlaskClient, citizen: Citizen) -> None:
    world.log_in(client, citizen.login_name)

    page = log_out(client)

    assert page.status_code == 200
    assert logged_in(client)
    assert "已退出" in confirm(client, page).get_data(as_text=True)
    assert not logged_in(client)


def test_oidcc_rp_initiated_logout_only_state(client: FlaskClient, citizen: Citizen) -> None:
    world.log_in(client, citizen.login_name)

    page = log_out(client, state="s-1")

    assert page.status_code == 200
    assert "Location" not in confirm(client, page).headers
    assert not logged_in(client)


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    hint = hint_of(client, citizen, app_client)

    answer = log_out(client, id_token_hint=hint, state="s-1")

    assert answer.status_code == 200
    assert "已退出" in answer.get_data(as_text=True)
    assert not logged_in(client)


def test_oidcc_rp_initiated_logout_no_id_token_hint(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    world.log_in(client, citizen.login_name)

    nameless = log_out(client, post_logout_redirect_uri=BACK, state="s-1")
    named = log_out(client, client_id=app_client, post_logout_redirect_uri=BACK, state="s-1")

    assert (nameless.status_code, named.status_code) == (400, 200)
    assert logged_in(client)
    assert confirm(client, named).headers["Location"] == f"{BACK}?state=s-1"
    assert not logged_in(client)


def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    hint = hint_of(client, citizen, app_client)

    answer = log_out(client, id_token_hint=hint, post_logout_redirect_uri="https://evil.test/", state="s-1")

    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "Location" not in confirm(client, answer).headers


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    hint = hint_of(client, citizen, app_client)

    answer = log_out(client, id_token_hint=hint, post_logout_redirect_uri=f"{BACK}?extra=1", state="s-1")

    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_registered_query_is_kept(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    hint = hint_of(client, citizen, app_client)

    answer = log_out(client, id_token_hint=hint, post_logout_redirect_uri=BACK_WITH_QUERY, state="s-1")

    assert answer.headers["Location"] == f"{BACK_WITH_QUERY}&state=s-1"


@pytest.mark.parametrize(
    "target",
    [
        "https://app.test/logged-out/", "https://app.test/logged-out#x", "https://APP.test/logged-out",
        "https://app.test:443/logged-out", "https://app.test/./logged-out", "https://app.test/logged-out/..;/",
        "https://app.test@evil.test/logged-out", "http://app.test/logged-out", "//evil.test", "javascript:alert(1)",
        "https://app.test/logged-out%0d%0aX: y", " https://app.test/logged-out", world.CALLBACK,
    ],
)  # fmt: skip
def test_address_that_differs_in_one_sign_is_never_gone_to(
    client: FlaskClient, citizen: Citizen, app_client: str, target: str
) -> None:
    hint = hint_of(client, citizen, app_client)

    for params in ({"id_token_hint": hint}, {"client_id": app_client}):
        answer = log_out(client, post_logout_redirect_uri=target, **params)
        assert answer.status_code == 400
        assert "Location" not in answer.headers


def signed_hint(hint: str, *, key: Any = None, typ: str = "JWT", **changes: Any) -> str:
    """Return an ID token with changed claims, signed by our key or another; None removes a claim."""
    with unit_of_work():
        kid, own = keys.active()
    claims = {name: value for name, value in {**jose.peek(hint)[1], **changes}.items() if value is not None}
    return jose.sign(claims, key or own, typ=typ, header={"kid": kid})


def test_expired_hint_is_still_a_hint(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    hint = signed_hint(hint_of(client, citizen, app_client), exp=int(time.time()) - 86_400)

    assert log_out(client, id_token_hint=hint, post_logout_redirect_uri=BACK).headers["Location"] == BACK


BAD: dict[str, Callable[[str], str]] = {
    "oidcc-rp-initiated-logout-bad-id-token-hint": lambda t: "not.a.token",
    "oidcc-rp-initiated-logout-modified-id-token-hint": lambda t: t[:-6] + ("AAAAAA" if t[-6:] != "AAAAAA" else "BBBB"),
    "another issuer": lambda t: signed_hint(t, iss="https://evil.test"),
    "audience array": lambda t: signed_hint(t, aud=[jose.peek(t)[1]["aud"]]),
    "no subject": lambda t: signed_hint(t, sub=None),
    "a stranger's key": lambda t: signed_hint(t, key=jose.new_key()),
    "an access token": lambda t: signed_hint(t, typ="at+jwt"),
    "a log-out token": lambda t: signed_hint(t, typ="logout+jwt", events={}),
    "events inside": lambda t: signed_hint(t, events={}),
    "alg none": lambda t: forged(jose.peek(t)[1], {"alg": "none", "typ": "JWT"}),
    "alg HS256": lambda t: forged(jose.peek(t)[1], {"alg": "HS256", "typ": "JWT"}, b"x" * 32),
    "oversize": lambda t: t + "A" * 9_000,
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD.keys())
def test_bad_hint_ends_nothing_and_goes_nowhere(
    client: FlaskClient, citizen: Citizen, app_client: str, spoil: Callable[[str], str]
) -> None:
    hint = spoil(hint_of(client, citizen, app_client))

    answer = log_out(client, id_token_hint=hint, client_id=app_client, post_logout_redirect_uri=BACK, state="s-1")

    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert logged_in(client)
    assert "Location" not in confirm(client, answer).headers
    assert not logged_in(client)


def test_hint_of_another_session_asks_first(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    stolen = hint_of(client.application.test_client(), citizen, app_client)
    world.log_in(client, citizen.login_name)

    page = log_out(client, id_token_hint=stolen, post_logout_redirect_uri=BACK)

    assert page.status_code == 200
    assert logged_in(client)


def test_hint_of_another_client_than_named_is_refused(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    hint = hint_of(client, citizen, app_client)
    with unit_of_work():
        other = world.new_client()
    listed(other)

    answer = log_out(client, id_token_hint=hint, client_id=other, post_logout_redirect_uri=BACK)

    assert answer.status_code == 400
    assert logged_in(client)


def test_unknown_or_disabled_client_is_never_gone_back_to(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    hint = hint_of(client, citizen, app_client)
    with unit_of_work():
        session().execute(update(Client).where(Client.id == app_client).values(state="disabled"))

    for params in ({"id_token_hint": hint}, {"client_id": app_client}, {"client_id": "client_unknown"}):
        assert log_out(client, post_logout_redirect_uri=BACK, **params).status_code == 400


def test_browser_without_session_just_goes_back(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    hint = hint_of(client.application.test_client(), citizen, app_client)

    answer = log_out(client, id_token_hint=hint, post_logout_redirect_uri=BACK, state="s-1")

    assert answer.headers["Location"] == f"{BACK}?state=s-1"


def test_person_may_stay(client: FlaskClient, citizen: Citizen) -> None:
    world.log_in(client, citizen.login_name)

    assert confirm(client, log_out(client), "stay").headers["Location"] == "/"
    assert logged_in(client)


def test_form_of_a_client_becomes_the_same_request_by_get(
    client: FlaskClient, citizen: Citizen, app_client: str
) -> None:
    hint = hint_of(client, citizen, app_client)

    turned = client.post("/oauth2/logout", data={"id_token_hint": hint, "post_logout_redirect_uri": BACK})

    assert turned.status_code == 303
    assert logged_in(client)
    assert client.get(turned.headers["Location"]).headers["Location"] == BACK


@pytest.mark.parametrize("query", ["state=a&state=b", "client_id=%00", "id_token_hint=a&id_token_hint=b"])
def test_broken_request_gets_a_page(client: FlaskClient, citizen: Citizen, query: str) -> None:
    world.log_in(client, citizen.login_name)

    answer = client.get(f"/oauth2/logout?{query}")

    assert answer.status_code == 400
    assert logged_in(client)


def test_session_ids_of_two_clients_share_nothing(client: FlaskClient, citizen: Citizen, app_client: str) -> None:
    with unit_of_work():
        other = world.new_client()
    one = jose.peek(hint_of(client, citizen, app_client))[1]["sid"]
    pkce = world.Pkce.fresh()
    code = world.code_of(world.approve(client, world.request_of(other, pkce)))
    two = jose.peek(world.redeem(client, other, code, pkce).json["id_token"])[1]["sid"]

    assert one != two
    assert len(one) == len(two) == 24


def test_metadata_names_the_new_endpoints(client: FlaskClient, work: UnitOfWork) -> None:
    told = client.get("/.well-known/openid-configuration").json

    for name in ("end_session", "registration", "device_authorization", "backchannel_authentication"):
        path = told[f"{name}_endpoint"].removeprefix(world.ISSUER)
        assert client.post(path).status_code not in (404, 405)
    assert told["backchannel_token_delivery_modes_supported"] == ["poll"]
    assert told["backchannel_logout_session_supported"] is True
    assert programs.EXCHANGE in told["grant_types_supported"]
    assert "mandate" in told["authorization_details_types_supported"]


@pytest.mark.parametrize("path", ["/oauth2/logout", "/oauth2/logout/decision"])
def test_body_that_is_no_form_gets_a_page(client: FlaskClient, work: UnitOfWork, path: str) -> None:
    answer = client.post(path, json={})

    assert answer.status_code == 400
    assert answer.mimetype == "text/html"
