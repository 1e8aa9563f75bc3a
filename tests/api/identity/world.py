"""Builders: a pharmacy with a terminal, a citizen with an account, and the calls clients make."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask.testing import FlaskClient
from joserfc.jwk import ECKey

from app import crypto
from app.db import add
from app.ids import new_id
from identity.accounts.models import Account
from identity.accounts.service import open_account
from identity.authenticators.password import set_password
from identity.devices.models import Device
from identity.devices.service import enrol
from identity.oidc import jose
from identity.oidc.clients import ASSERTION_TYPE
from identity.oidc.keys import public_members
from identity.oidc.models import Client
from identity.parties.models import Organisation, Person
from identity.sessions.browser import OWN_PAGES

ISSUER = "http://city.test"
HEALTH = f"{ISSUER}/api/health"
CALLBACK = "http://127.0.0.1:8765/callback"
PASSWORD = "Willow-lantern-47"
TERMINAL_ACCESS = {"suxin": ["presence:verify"], "health": ["health:quote", "health:settle"]}
CITIZEN_ACCESS = {"suxin": ["openid", "profile"], "health": ["health:read"]}


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal as its maker sees it: id and private key."""

    id: str
    organisation_id: str
    key: ECKey


@dataclass(frozen=True, slots=True)
class Citizen:
    """A citizen who can log in."""

    person_id: str
    account_id: str
    login_name: str


def new_terminal() -> Terminal:
    """Enrol a terminal of a new organisation."""
    organisation = add(Organisation(name="仁和药房", credit_code=secrets.token_hex(9), area="321302"))
    key = jose.new_key()
    device: Device = enrol(
        organisation_id=organisation.id,
        place="321302",
        label="counter 1",
        public_jwk=public_members(key),
        access=TERMINAL_ACCESS,
    )
    return Terminal(device.id, organisation.id, key)


def new_citizen(name: str = "陈晓燕") -> Citizen:
    """Register a citizen with an account and a password."""
    person_id = new_id("person")

    def sealed(column: str, value: str) -> bytes:
        return crypto.seal(value.encode(), purpose="person", place=f"person/{person_id}/{column}")

    add(
        Person(
            id=person_id,
            resident_id_index=secrets.token_bytes(32),
            resident_id_sealed=sealed("resident_id", "x"),
            name_sealed=sealed("name", name),
            mobile_index=secrets.token_bytes(32),
            mobile_sealed=sealed("mobile", "13800001234"),
            mobile_tail="1234",
            region="321302",
            area="321302",
            proofing_level=4,
        )
    )
    account: Account = open_account(login_name=f"citizen-{secrets.token_hex(6)}", person_id=person_id)
    set_password(account, PASSWORD)
    return Citizen(person_id, account.id, account.login_name)


def new_client(client_id: str | None = None, redirect_uri: str = CALLBACK) -> str:
    """Register a public client."""
    name = client_id or new_id("client")
    add(
        Client(
            id=name, title_zh="手机应用", title_en="An app", redirect_uris=[redirect_uri], access=dict(CITIZEN_ACCESS)
        )
    )
    return name


def own_pages() -> None:
    """Let the browser session have the citizen's scopes."""
    new_client(OWN_PAGES)


def assertion_claims(terminal: Terminal, **changes: Any) -> dict[str, Any]:
    """Return the claims of a good client assertion, changed; None removes a claim."""
    present = int(time.time())
    good = {
        "iss": terminal.id, "sub": terminal.id, "aud": ISSUER, "iat": present, "exp": present + 50,
        "jti": secrets.token_urlsafe(12),
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def assertion(terminal: Terminal, *, key: ECKey | None = None, header: Any = None, **changes: Any) -> str:
    """Return a signed client assertion."""
    return jose.sign(assertion_claims(terminal, **changes), key or terminal.key, typ="JWT", header=header)


def ask_token(client: FlaskClient, signed: str, **more: Any) -> Any:
    """Ask for a client_credentials token with an assertion."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed,
        **more,
    }
    return client.post("/oauth2/token", data=form)


def terminal_token(client: FlaskClient, terminal: Terminal, **more: Any) -> str:
    """Return an access token of a terminal."""
    answer = ask_token(client, assertion(terminal), **more)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    token: str = answer.json["access_token"]
    return token


def bearer(token: str) -> dict[str, str]:
    """Return the header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


def form_token(page: str) -> str:
    """Return the form token in a page."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', page)
    assert found is not None, page
    return found.group(1)


def log_in(client: FlaskClient, login_name: str, password: str = PASSWORD, **more: Any) -> Any:
    """Log in by the page's own form."""
    page = client.get("/login").get_data(as_text=True)
    form = {"csrf_token": form_token(page), "login_name": login_name, "password": password, **more}
    return client.post("/login", data=form)


@dataclass(frozen=True, slots=True)
class Pkce:
    """A verifier and its S256 challenge."""

    verifier: str
    challenge: str

    @classmethod
    def fresh(cls) -> Pkce:
        """Return a new pair."""
        verifier = secrets.token_urlsafe(40)
        digest = hashlib.sha256(verifier.encode()).digest()
        return cls(verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


def request_of(client_id: str, pkce: Pkce, /, **changes: Any) -> str:
    """Return the query of a good authorization request, changed; None removes a parameter."""
    good = {
        "response_type": "code", "client_id": client_id, "redirect_uri": CALLBACK, "scope": "openid profile",
        "state": "s-1", "nonce": "n-1", "code_challenge": pkce.challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return urlencode({name: value for name, value in {**good, **changes}.items() if value is not None})


def approve(client: FlaskClient, query: str, decision: str = "approve") -> Any:
    """Open the consent page and answer it."""
    page = client.get(f"/oauth2/authorize?{query}")
    assert page.status_code == 200, page.headers
    form = {"csrf_token": form_token(page.get_data(as_text=True)), "request": query, "decision": decision}
    return client.post("/oauth2/authorize", data=form)


def code_of(answer: Any) -> str:
    """Return the code in a redirect to the client."""
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answered(answer)["code"]


def answered(answer: Any) -> dict[str, str]:
    """Return the parameters of a redirect."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def redeem(client: FlaskClient, client_id: str, code: str, pkce: Pkce, /, **changes: Any) -> Any:
    """Redeem a code."""
    good = {
        "grant_type": "authorization_code", "client_id": client_id, "code": code, "redirect_uri": CALLBACK,
        "code_verifier": pkce.verifier,
    }  # fmt: skip
    return client.post("/oauth2/token", data={n: v for n, v in {**good, **changes}.items() if v is not None})


def citizen_tokens(client: FlaskClient, citizen: Citizen, client_id: str, **changes: Any) -> dict[str, Any]:
    """Log a citizen in, consent, and return the token answer."""
    log_in(client, citizen.login_name)
    pkce = Pkce.fresh()
    code = code_of(approve(client, request_of(client_id, pkce, **changes)))
    answer = redeem(client, client_id, code, pkce)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: dict[str, Any] = answer.json
    return body
