"""Builders: clients of every profile, their assertions and DPoP proofs, and the calls they make."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from flask.testing import FlaskClient
from joserfc.jwk import ECKey

from app.db import add
from app.ids import new_id
from identity.oidc import jose
from identity.oidc.client_secret import secret_hash
from identity.oidc.clients import ASSERTION_TYPE
from identity.oidc.dpop import fresh_nonce
from identity.oidc.keys import public_members
from identity.oidc.models import Client, ClientKey
from tests.api.identity import world
from tests.api.identity.world import CALLBACK, ISSUER, Citizen, Pkce

ACCESS = {"suxin": ["openid", "profile", "phone", "offline_access", "introspect"], "health": ["health:read"]}
GRANTS = ["authorization_code", "refresh_token", "client_credentials"]


@dataclass(frozen=True, slots=True)
class App:
    """A client as its maker sees it."""

    id: str
    method: str = "none"
    secret: str = ""
    key: ECKey = field(default_factory=jose.new_key)
    dpop: ECKey | None = None

    def bound(self) -> App:
        """Return the same app, which proves a key from now on."""
        return replace(self, dpop=jose.new_key())


def new_app(method: str = "none", *, profile: str = "baseline", dpop: bool = False, **more: Any) -> App:
    """Register a client."""
    made = App(new_id("client"), method, secrets.token_urlsafe(32), dpop=jose.new_key() if dpop else None)
    values: dict[str, Any] = {
        "grant_types": GRANTS,
        "redirect_uris": [CALLBACK],
        "access": {audience: list(scopes) for audience, scopes in ACCESS.items()},
        "secret_hash": secret_hash(made.secret) if method.startswith("client_secret") else None,
    }
    add(Client(id=made.id, title_zh="应用", title_en="An app", profile=profile, auth_method=method, **values | more))
    if method == "private_key_jwt":
        add(ClientKey(client_id=made.id, kid="k1", public_jwk=public_members(made.key)))
    return made


def new_fapi(**more: Any) -> App:
    """Register a FAPI 2.0 client."""
    return new_app("private_key_jwt", profile="fapi2", dpop=True, **more)


def assertion(app: App, *, key: ECKey | None = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return a client assertion, changed; None removes a claim."""
    present = int(time.time())
    good = {"iss": app.id, "sub": app.id, "aud": ISSUER, "iat": present, "exp": present + 50,
            "jti": secrets.token_urlsafe(12)}  # fmt: skip
    claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
    return jws({"alg": "ES256", "typ": "JWT", **(header or {})}, claims, key or app.key)


def jws(header: dict[str, Any], claims: Any, key: ECKey) -> str:
    """Return a JWS with a true ES256 signature under any header, also one that no library would write."""
    kept = {name: value for name, value in header.items() if value is not None}
    parts = (json.dumps(kept).encode(), json.dumps(claims).encode())
    unsigned = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    der = key.private_key.sign(unsigned.encode(), ec.ECDSA(hashes.SHA256()))
    raw = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))
    return unsigned + "." + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def credentials(app: App, **changes: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Return form fields and headers by which the app authenticates."""
    if app.method == "client_secret_basic":
        pair = base64.b64encode(f"{app.id}:{app.secret}".encode()).decode()
        return {}, {"Authorization": f"Basic {pair}"}
    if app.method == "client_secret_post":
        return {"client_id": app.id, "client_secret": app.secret}, {}
    if app.method == "private_key_jwt":
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion(app, **changes)}, {}
    return {"client_id": app.id}, {}


def nonce(client: FlaskClient) -> str:
    """Return the server's nonce, which each answer to a proof hands out."""
    with client.application.app_context():
        return fresh_nonce()


def ath(token: str) -> str:
    """Return the hash of a token as a proof names it."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def proof(
    client: FlaskClient, key: ECKey, path: str, *, method: str = "POST", token: str | None = None,
    header: dict[str, Any] | None = None, signer: ECKey | None = None, typ: str = "dpop+jwt", **changes: Any,
) -> str:  # fmt: skip
    """Return a DPoP proof, changed; None removes a claim."""
    good = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": ISSUER + path, "iat": int(time.time()),
            "nonce": nonce(client), "ath": None if token is None else ath(token)}  # fmt: skip
    claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
    full = {"alg": "ES256", "typ": typ, "jwk": public_members(key), **(header or {})}
    return jws(full, claims, signer or key)


def post(client: FlaskClient, app: App, path: str, /, **params: Any) -> Any:
    """Make a client's call to a protocol endpoint: authenticated, and with a proof if it has a key for that."""
    fields, headers = credentials(app)
    if app.dpop is not None:
        headers = headers | {"DPoP": proof(client, app.dpop, path)}
    form = {name: value for name, value in {**fields, **params}.items() if value is not None}
    return client.post(path, data=form, headers=headers)


def request_params(app: App, pkce: Pkce, **changes: Any) -> dict[str, str]:
    """Return the parameters of a good authorization request."""
    good = {
        "response_type": "code", "client_id": app.id, "redirect_uri": CALLBACK, "scope": "openid profile",
        "state": "s-1", "nonce": "n-1", "code_challenge": pkce.challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def push(client: FlaskClient, app: App, pkce: Pkce, **changes: Any) -> Any:
    """Push an authorization request."""
    return post(client, app, "/oauth2/par", **request_params(app, pkce, **changes))


def query(client: FlaskClient, app: App, pkce: Pkce, **changes: Any) -> str:
    """Return the query by which a browser begins: plain for a baseline app, pushed for a FAPI one."""
    if app.method != "private_key_jwt":
        return urlencode(request_params(app, pkce, **changes))
    answer = push(client, app, pkce, **changes)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return urlencode({"client_id": app.id, "request_uri": answer.json["request_uri"]})


def new_code(client: FlaskClient, app: App, citizen: Citizen, **changes: Any) -> tuple[str, Pkce]:
    """Log a citizen in, consent, and return the code with its verifier."""
    pkce = Pkce.fresh()
    world.log_in(client, citizen.login_name)
    answer = client.get(f"/oauth2/authorize?{(wanted := query(client, app, pkce, **changes))}")
    if answer.status_code == 200:
        answer = world.approve(client, wanted)
    return world.code_of(answer), pkce


def redeem(client: FlaskClient, app: App, code: str, pkce: Pkce, **changes: Any) -> Any:
    """Redeem a code."""
    good = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": pkce.verifier}
    return post(client, app, "/oauth2/token", **{**good, **changes})


def tokens(client: FlaskClient, app: App, citizen: Citizen, **changes: Any) -> dict[str, Any]:
    """Return the token answer of a whole log-in."""
    code, pkce = new_code(client, app, citizen, **changes)
    answer = redeem(client, app, code, pkce)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: dict[str, Any] = answer.json
    return body


def refresh(client: FlaskClient, app: App, token: str, **more: Any) -> Any:
    """Refresh."""
    return post(client, app, "/oauth2/token", grant_type="refresh_token", refresh_token=token, **more)


def read(client: FlaskClient, app: App, token: str, path: str = "/oauth2/userinfo", method: str = "GET") -> Any:
    """Call a protected resource as the token wants to be shown."""
    if app.dpop is None:
        return client.open(path, method=method, headers=world.bearer(token))
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof(client, app.dpop, path, method=method, token=token)}
    return client.open(path, method=method, headers=headers)
