"""What a forger starts from: people and clients with true credentials, and the calls that show false ones."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient

from app.db import unit_of_work
from identity.oidc.clients import ASSERTION_TYPE
from tests.api.identity import fapi, world
from tests.api.identity.fapi import App
from tests.api.identity.world import Citizen, Pkce, Terminal


@dataclass(frozen=True, slots=True)
class Victims:
    """A citizen and clients of both profiles with live tokens."""

    client: FlaskClient
    citizen: Citizen
    terminal: Terminal
    plain: App
    server: App
    bank: App
    bearer: str
    bound: str
    hint: str

    def stranger(self) -> FlaskClient:
        """Return a browser without any session."""
        return self.client.application.test_client()


def victims(client: FlaskClient) -> Victims:
    """Register everybody and log the citizen in."""
    with unit_of_work():
        citizen, terminal = world.new_citizen(), world.new_terminal()
        plain, server, bank = fapi.new_app(), fapi.new_app("client_secret_basic"), fapi.new_fapi()
    mine = fapi.tokens(client, plain, citizen)
    bound = fapi.tokens(client, bank, citizen)["access_token"]
    return Victims(client, citizen, terminal, plain, server, bank, mine["access_token"], bound, mine["id_token"])


Show = Callable[[Victims, str], bool]


def _ok(answer: Any) -> bool:
    return 200 <= answer.status_code < 300


def _get(path: str) -> Show:
    return lambda v, token: _ok(v.stranger().get(path, headers=world.bearer(token)))


def _introspected(v: Victims, token: str) -> bool:
    answer = fapi.post(v.stranger(), v.server, "/oauth2/introspect", token=token)
    return _ok(answer) and bool(answer.json["active"])


ACCESS_TOKEN_AT: dict[str, Show] = {
    "me": _get("/api/identity/me"),
    "activity": _get("/api/identity/me/activity"),
    "userinfo": _get("/oauth2/userinfo"),
    "userinfo by POST": lambda v, t: _ok(v.stranger().post("/oauth2/userinfo", headers=world.bearer(t))),
    "userinfo by form": lambda v, t: _ok(v.stranger().post("/oauth2/userinfo", data={"access_token": t})),
    "introspection": _introspected,
}


def _asserted(path: str) -> Show:
    def show(v: Victims, signed: str) -> bool:
        form = {"grant_type": "client_credentials", "token": "x", "client_assertion_type": ASSERTION_TYPE}
        answer = v.stranger().post(path, data=form | {"client_assertion": signed})
        # Whatever is wrong with the rest of the request, a true assertion is not an invalid client.
        return bool(answer.json.get("error") != "invalid_client")

    return show


ASSERTION_AT = {path: _asserted(f"/oauth2/{path}") for path in ("token", "par", "introspect", "revoke")}


def proof_at_endpoint(v: Victims, path: str, proof: str) -> bool:
    """Show a proof with all else true; tell whether it was believed."""
    fields, _ = fapi.credentials(v.bank)
    form = fapi.request_params(v.bank, Pkce.fresh()) | {"grant_type": "client_credentials", "scope": "openid"}
    return _ok(v.stranger().post(path, data=form | fields, headers={"DPoP": proof}))


def proof_at_resource(v: Victims, path: str, proof: str) -> bool:
    """Show a proof with a true token; tell whether it was believed."""
    return _ok(v.stranger().get(path, headers={"Authorization": f"DPoP {v.bound}", "DPoP": proof}))


def hint_at(v: Victims, hint: str) -> bool:
    """Show an ID token hint; tell whether it was taken for one of ours."""
    query = fapi.query(v.client, v.plain, Pkce.fresh(), id_token_hint=hint, prompt="none")
    answer = v.client.get(f"/oauth2/authorize?{query}")
    return world.answered(answer).get("error") != "invalid_request" if answer.status_code == 303 else False


def redirected_to(v: Victims, app: App, redirect_uri: str) -> bool:
    """Ask for an answer at an address; tell whether the browser was sent, or the request was taken, there."""
    params = fapi.request_params(app, Pkce.fresh(), redirect_uri=redirect_uri, prompt="none")
    if app.method == "private_key_jwt":
        return bool(fapi.post(v.stranger(), app, "/oauth2/par", **params).status_code == 201)
    return "Location" in v.stranger().get("/oauth2/authorize", query_string=params).headers


def fresh_jti() -> str:
    """Return a jti never used before."""
    return secrets.token_urlsafe(16)
