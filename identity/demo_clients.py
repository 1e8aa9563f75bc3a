"""The demo world's clients, one of each kind; their keys and secrets are derived, so that none is stored."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey
from sqlalchemy import select

from app import crypto
from app.db import add, session
from app.guards import CORE_AUDIENCE
from app.text import Text
from identity.oidc.client_secret import secret_hash
from identity.oidc.introspection import SCOPE as INTROSPECT
from identity.oidc.keys import public_members
from identity.oidc.models import Client, ClientKey
from identity.oidc.permitted import CIBA, DEVICE, EXCHANGE
from identity.oidc.settings import resource_of
from identity.sessions.browser import CSRF_FIELD

MOBILE = "suxin-mobile"
_PEOPLE = ("authorization_code", "refresh_token")
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DECISION = {
    "request": "request", "decision": "decision", "approve": "approve", "refuse": "refuse", "csrf": CSRF_FIELD,
}  # fmt: skip
Access = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoClient:
    """One invented client; `for_itself` is what it may do without a person, by audience."""

    id: str
    title: Text
    profile: str = "baseline"
    auth_method: str = "none"
    grant_types: tuple[str, ...] = _PEOPLE
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    algorithm: str = "ES256"
    sector: str | None = None
    for_itself: tuple[tuple[str, str], ...] = ()
    backchannel_logout_uri: str | None = None
    serves: str | None = None
    detail_types: tuple[str, ...] = ()


DEMO_CLIENTS: tuple[DemoClient, ...] = (
    DemoClient(
        id=MOBILE,
        title=Text("宿心办（演示）", "Suxin app (demo)"),
        redirect_uris=("http://127.0.0.1:8765/callback", "cn.suxin.demo:/callback"),
        post_logout_redirect_uris=("http://127.0.0.1:8765/bye", "cn.suxin.demo:/bye"),
    ),
    DemoClient(
        id="suxin-bank",
        title=Text("普惠银行（演示）", "Inclusive bank (demo)"),
        profile="fapi2",
        auth_method="private_key_jwt",
        redirect_uris=("http://127.0.0.1:8766/callback",),
        post_logout_redirect_uris=("http://127.0.0.1:8766/bye",),
        sector="bank",
    ),
    DemoClient(
        id="suxin-clinic",
        title=Text("社区医院（演示）", "Community clinic (demo)"),
        auth_method="client_secret_post",
        redirect_uris=("http://127.0.0.1:8767/callback",),
        post_logout_redirect_uris=("http://127.0.0.1:8767/bye",),
        sector="clinic",
    ),
    DemoClient(
        id="suxin-portal",
        title=Text("门户网站（演示）", "Portal website (demo)"),
        auth_method="client_secret_basic",
        redirect_uris=("http://127.0.0.1:8768/callback",),
        post_logout_redirect_uris=("http://127.0.0.1:8768/bye",),
        algorithm="RS256",
        # `python -m demo.receiver` listens there.
        backchannel_logout_uri="http://127.0.0.1:8768/backchannel-logout",
    ),
    DemoClient(
        id="suxin-screen",
        title=Text("社区大屏（演示）", "Community screen (demo)"),
        grant_types=(DEVICE, "refresh_token"),
        detail_types=("mandate",),
    ),
    DemoClient(
        id="suxin-health-program",
        title=Text("健康专区程序（演示）", "Health plugin's program (demo)"),
        auth_method="private_key_jwt",
        grant_types=(*_PEOPLE, CIBA, EXCHANGE),
        redirect_uris=("http://127.0.0.1:8769/callback",),
        post_logout_redirect_uris=("http://127.0.0.1:8769/bye",),
        serves="health",
        detail_types=("mandate",),
    ),
    DemoClient(
        id="suxin-service",
        title=Text("后台服务（演示）", "Back-office service (demo)"),
        auth_method="private_key_jwt",
        grant_types=("client_credentials",),
        for_itself=((CORE_AUDIENCE, INTROSPECT),),
    ),
)


# The pages on which people decide, by their form fields; each form also holds the id of its `request`.
DECISION_FORMS: Mapping[str, Mapping[str, str]] = {
    "device": {"path": "/device", "user_code": "user_code", "csrf": CSRF_FIELD},
    "device_decision": {"path": "/device/decision", **_DECISION},
    "approvals": {"path": "/approvals", **_DECISION},
    "log_out": {
        "path": "/oauth2/logout/decision", "request": "request", "decision": "decision", "approve": "log_out",
        "refuse": "stay", "csrf": CSRF_FIELD,
    },
}  # fmt: skip


def seed(people_access: Access) -> None:
    """Register the demo's clients; those that log people in may ask for `people_access`."""
    for each in DEMO_CLIENTS:
        own: dict[str, list[str]] = {}
        for audience, scope in each.for_itself:
            own.setdefault(audience, []).append(scope)
        _register(each, own or {audience: list(scopes) for audience, scopes in people_access.items()})


def _register(each: DemoClient, access: Access) -> None:
    add(
        Client(
            id=each.id,
            title_zh=each.title.zh,
            title_en=each.title.en,
            profile=each.profile,
            auth_method=each.auth_method,
            secret_hash=secret_hash(_secret(each.id)) if each.auth_method.startswith("client_secret") else None,
            grant_types=list(each.grant_types),
            redirect_uris=list(each.redirect_uris),
            post_logout_redirect_uris=list(each.post_logout_redirect_uris),
            id_token_alg=each.algorithm,
            sector=each.sector,
            access=access,
            backchannel_logout_uri=each.backchannel_logout_uri,
            serves=each.serves,
            detail_types=list(each.detail_types),
        )
    )
    if each.auth_method == "private_key_jwt":
        key = _key(each.id)
        add(ClientKey(client_id=each.id, kid=key.thumbprint(), public_jwk=public_members(key)))


def export() -> list[dict[str, Any]]:
    """Return what a foreign client needs to be one of them, secrets included."""
    rows = session().scalars(select(Client).where(Client.id.in_([each.id for each in DEMO_CLIENTS])))
    order = {each.id: place for place, each in enumerate(DEMO_CLIENTS)}
    return [_exported(client) for client in sorted(rows, key=lambda client: order[client.id])]


def _exported(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "profile": client.profile,
        "token_endpoint_auth_method": client.auth_method,
        "grant_types": client.grant_types,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "id_token_signed_response_alg": client.id_token_alg,
        "dpop_bound_access_tokens": client.profile == "fapi2",
        "require_pushed_authorization_requests": client.profile == "fapi2",
        "sector": client.sector,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "authorization_details_types": client.detail_types,
        "serves": None if client.serves is None else resource_of(client.serves),
        "scopes": {resource_of(audience): " ".join(scopes) for audience, scopes in client.access.items()},
        **_credential(client),
    }


def _credential(client: Client) -> dict[str, Any]:
    if client.auth_method == "private_key_jwt":
        key = _key(client.id)
        return {"private_jwk": {**key.as_dict(private=True), "kid": key.thumbprint(), "alg": "ES256", "use": "sig"}}
    return {"client_secret": _secret(client.id)} if client.auth_method.startswith("client_secret") else {}


def _key(client_id: str) -> ECKey:
    number = int.from_bytes(crypto.derive(f"demo-client-key/{client_id}"), "big") % (_P256_ORDER - 1) + 1
    return ECKey.import_key(ec.derive_private_key(number, ec.SECP256R1()))


def _secret(client_id: str) -> str:
    return base64.urlsafe_b64encode(crypto.derive(f"demo-client-secret/{client_id}")).rstrip(b"=").decode()
