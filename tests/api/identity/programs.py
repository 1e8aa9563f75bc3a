"""Builders: programs that authenticate by a key, devices without a keyboard, and the calls they make."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from flask.testing import FlaskClient
from joserfc.jwk import ECKey

from app.db import add
from app.ids import new_id
from identity.oidc import jose
from identity.oidc.clients import ASSERTION_TYPE
from identity.oidc.keys import public_members
from identity.oidc.models import Client, ClientKey
from identity.oidc.permitted import CIBA, DEVICE, EXCHANGE
from tests.api.identity import world

T = TypeVar("T")
KID = "k1"
USUAL = ["authorization_code", "refresh_token"]


@dataclass(frozen=True, slots=True)
class Program:
    """A confidential client as its maker sees it."""

    id: str
    key: ECKey

    def signed(self, **changes: Any) -> str:
        """Return a client assertion."""
        present = int(time.time())
        good = {
            "iss": self.id, "sub": self.id, "aud": world.ISSUER, "iat": present, "exp": present + 50,
            "jti": secrets.token_urlsafe(12),
        }  # fmt: skip
        return jose.sign({**good, **changes}, self.key, typ="JWT", header={"kid": KID})

    def credentials(self) -> dict[str, str]:
        """Return the form members by which it authenticates once."""
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.signed()}


def new_program(**values: Any) -> Program:
    """Register a confidential client with a key."""
    key, client_id = jose.new_key(), new_id("client")
    usual = {
        "title_zh": "专区程序", "title_en": "A plugin's program", "auth_method": "private_key_jwt",
        "redirect_uris": [world.CALLBACK], "access": dict(world.CITIZEN_ACCESS),
        "grant_types": [*USUAL, CIBA, EXCHANGE, DEVICE, "client_credentials"],
    }  # fmt: skip
    add(Client(id=client_id, **{**usual, **values}))
    add(ClientKey(client_id=client_id, kid=KID, public_jwk=public_members(key)))
    return Program(client_id, key)


def new_device_client(**values: Any) -> str:
    """Register a public client of a device without a keyboard."""
    client_id = new_id("client")
    usual = {
        "title_zh": "社区大屏", "title_en": "A wall screen", "redirect_uris": [], "access": dict(world.CITIZEN_ACCESS),
        "grant_types": [DEVICE, "refresh_token"],
    }  # fmt: skip
    add(Client(id=client_id, **{**usual, **values}))
    return client_id


def ask_device(client: FlaskClient, client_id: str, /, **more: Any) -> Any:
    """Ask for a device code."""
    return client.post("/oauth2/device_authorization", data={"client_id": client_id, "scope": "openid profile", **more})


def poll_device(client: FlaskClient, client_id: str, device_code: str, /, **more: Any) -> Any:
    """Poll once with a device code."""
    form = {"grant_type": DEVICE, "client_id": client_id, "device_code": device_code, **more}
    return client.post("/oauth2/token", data=form)


def type_code(client: FlaskClient, user_code: str) -> Any:
    """Type a device's code on the page."""
    page = client.get("/device").get_data(as_text=True)
    return client.post("/device", data={"csrf_token": world.form_token(page), "user_code": user_code})


def decide(client: FlaskClient, path: str, page: str, decision: str = "approve", request_id: str | None = None) -> Any:
    """Answer the question on a page."""
    form = {
        "csrf_token": world.form_token(page), "request": request_id or request_id_in(page), "decision": decision
    }  # fmt: skip
    return client.post(path, data=form)


def request_id_in(page: str) -> str:
    """Return the id of the question on a page."""
    found = re.search(r'name="request" value="([^"]+)"', page)
    assert found is not None, page
    return found.group(1)


def ask_person(client: FlaskClient, program: Program, /, **params: Any) -> Any:
    """Ask a person by CIBA; None removes a parameter."""
    form = {"scope": "openid profile", **program.credentials(), **params}
    return client.post("/oauth2/bc-authorize", data={name: value for name, value in form.items() if value is not None})


def poll_ciba(client: FlaskClient, program: Program, auth_req_id: str, /, **more: Any) -> Any:
    """Poll once with an `auth_req_id`."""
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **program.credentials(), **more}
    return client.post("/oauth2/token", data=form)


def exchange(client: FlaskClient, program: Program, token: str, /, **params: Any) -> Any:
    """Exchange a token; None removes a parameter."""
    form = {
        "grant_type": EXCHANGE, "subject_token": token, "resource": world.ISSUER,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token", **program.credentials(), **params,
    }  # fmt: skip
    return client.post("/oauth2/token", data={name: value for name, value in form.items() if value is not None})


def side_by_side(times: int, call: Callable[[int], T]) -> list[T]:
    """Make the same call in so many threads at once."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(call, range(times)))
