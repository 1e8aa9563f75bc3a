"""Who calls an endpoint: one registered way to authenticate for each client, and at most one proof of a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from flask import has_request_context, request

from app.db import session
from identity.devices.models import Device
from identity.oidc import assertion, client_keys, client_secret, dpop, jose, keys, replay
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client
from identity.parties.serving import organisation_serves

ASSERTION_TYPE = assertion.TYPE
_CALLING = "suxin.oauth.client"
_SECRET_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated client or terminal, or a public client that only names itself.

    `jkt` is the thumbprint of the key it proved to hold (DPoP), if it did.
    """

    id: str
    access: Mapping[str, list[str]]
    client: Client | None = None
    terminal: Device | None = None
    jkt: str | None = None

    @property
    def confidential(self) -> bool:
        """Tell whether the caller authenticated."""
        return self.terminal is not None or (self.client is not None and self.client.auth_method != "none")


@dataclass(frozen=True, slots=True)
class _Named:
    owner: Client | Device
    once: replay.Once | None = None
    signer: client_keys.Signer | None = None


def caller(params: dict[str, str]) -> Caller:
    """Return who calls; raises `invalid_client`, `invalid_dpop_proof`, `use_dpop_nonce`.

    The assertion and the DPoP proof are spent together, once both are found true.
    """
    try:
        return _caller(params)
    except client_keys.Changed:
        # What was in memory is forgotten now, so the second look reads the database.
        return _caller(params)


def _caller(params: dict[str, str]) -> Caller:
    named = _named(params)
    proof = _proof(named.owner)
    _spend(named, proof)
    client = named.owner if isinstance(named.owner, Client) else None
    if client is not None and not organisation_serves(client.organisation_id):
        raise refused("the client's organisation is not active")
    request.environ[_CALLING] = client
    return Caller(
        id=named.owner.id,
        access=named.owner.access,
        client=client,
        terminal=named.owner if isinstance(named.owner, Device) else None,
        jkt=None if proof is None else proof.jkt,
    )


def client_of(client_id: str) -> Client:
    """Return a registered client: the one that calls, if it is that, without another look."""
    calling: Client | None = request.environ.get(_CALLING) if has_request_context() else None
    if calling is not None and calling.id == client_id:
        return calling
    return session().get_one(Client, client_id)


def _named(params: dict[str, str]) -> _Named:
    method = _method(params)
    if method == "private_key_jwt":
        return _by_assertion(params)
    if method in _SECRET_METHODS:
        return _Named(client_secret.authenticated(request, params, method))
    return _Named(_public(params.get("client_id", "")))


def public_client(client_id: str) -> Caller:
    """Return an active public client; raises `invalid_client`."""
    found = _public(client_id)
    return Caller(id=found.id, access=found.access, client=found)


def known_client(client_id: str) -> Client:
    """Return an active client that merely names itself, as browsers let it; raises `invalid_client`."""
    found = session().get(Client, client_id) if client_id else None
    if found is None or found.state != "active" or not organisation_serves(found.organisation_id):
        raise refused("the client is unknown or stopped")
    return found


def _method(params: Mapping[str, str]) -> str:
    authorization = request.headers.getlist("Authorization")
    shown = [
        name
        for name, is_shown in (
            ("client_secret_basic", bool(authorization)),
            ("client_secret_post", "client_secret" in params),
            ("private_key_jwt", "client_assertion" in params or "client_assertion_type" in params),
        )
        if is_shown
    ]
    if len(shown) > 1 or len(authorization) > 1:
        raise refused("a client authenticates in one way at a time")
    return shown[0] if shown else "none"


def _public(client_id: str) -> Client:
    found = session().get(Client, client_id) if client_id else None
    if found is None or found.state != "active" or found.auth_method != "none":
        raise refused("the client is unknown or must authenticate")
    if not organisation_serves(found.organisation_id):
        raise refused("the client's organisation is not active")
    return found


def _by_assertion(params: Mapping[str, str]) -> _Named:
    if params.get("client_assertion_type") != ASSERTION_TYPE:
        raise refused("client_assertion_type must be jwt-bearer")
    signed = params.get("client_assertion", "")
    try:
        sub = assertion.subject_of(signed)
        if params.get("client_id", sub) != sub:
            raise jose.BadToken("client_id is not the one that signed")
        return _of_terminal(signed, sub) if sub.startswith("terminal_") else _of_client(signed, sub)
    except jose.BadToken as error:
        raise refused(str(error)) from None


def _of_terminal(signed: str, sub: str) -> _Named:
    found = session().get(Device, sub)
    if found is None or found.state != "active":
        raise jose.BadToken("the client is unknown or suspended")
    key = _imported(jose.ALGORITHM, json.dumps(found.public_jwk))
    # A terminal has one key; what its maker calls it does not matter.
    kid = jose.peek(signed)[0].get("kid")
    held = {kid if isinstance(kid, str) else found.thumbprint: key}
    return _Named(found, once=assertion.verified(signed, sub, held, strict=True))


def _of_client(signed: str, sub: str) -> _Named:
    signer = client_keys.signer(sub)
    strict = signer.client.profile == "fapi2"
    return _Named(signer.client, assertion.verified(signed, sub, signer.keys, strict=strict), signer)


@lru_cache(2_000)
def _imported(algorithm: str, jwk: str) -> jose.Key:
    return keys.imported(algorithm, json.loads(jwk))


def proven_key() -> str | None:
    """Return the key that a caller without a registration proves to hold; raises `invalid_dpop_proof`."""
    proof = _proof(None)
    _spend(None, proof)
    return None if proof is None else proof.jkt


def _proof(owner: Client | Device | None) -> dpop.Proof | None:
    try:
        proof = dpop.proof_of(request)
    except dpop.NonceWanted as wanted:
        raise OAuthError("use_dpop_nonce", str(wanted), headers={dpop.NONCE_HEADER: dpop.fresh_nonce()}) from None
    except dpop.BadProof as bad:
        raise OAuthError("invalid_dpop_proof", str(bad)) from None
    if proof is not None and isinstance(owner, Device) and proof.jkt != owner.thumbprint:
        raise OAuthError("invalid_dpop_proof", "a terminal proves the key it was enrolled with")
    return proof


def _spend(named: _Named | None, proof: dpop.Proof | None) -> None:
    signed = None if named is None else named.once
    uses = [once for once in (signed, None if proof is None else proof.once) if once is not None]
    signer = None if named is None else named.signer
    used = replay.seen_before(uses) if signer is None else client_keys.spend(signer, uses)
    if signed in used:
        raise refused("the assertion was used before")
    if used:
        raise OAuthError("invalid_dpop_proof", "the proof was used before")


def refused(description: str) -> OAuthError:
    """Return the refusal of a client that is not who it claims to be."""
    return OAuthError("invalid_client", description, status=401)
