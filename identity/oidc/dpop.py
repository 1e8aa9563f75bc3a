"""Proof of possession (DPoP, RFC 9449): a token works only with the key it was given to."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Request
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app import crypto
from identity.oidc import jose
from identity.oidc.replay import Once
from identity.oidc.settings import CLOCK_SKEW_SECONDS, DPOP_SECONDS, NONCE_SECONDS, issuer

ALGORITHMS = (jose.ALGORITHM,)
NONCE_HEADER = "DPoP-Nonce"
_TYPE: frozenset[str | None] = frozenset({"dpop+jwt"})
_MEMBERS = ("kty", "crv", "x", "y")


class BadProof(Exception):
    """A proof that must not be believed; the text is a fixed reason for developers."""


class NonceWanted(BadProof):
    """The proof is good but for its nonce: the client repeats it with the one in the answer."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A checked proof: the key's thumbprint, and the mark that makes it single-use once it is remembered."""

    jkt: str
    once: Once


def proof_of(incoming: Request, *, access_token: str | None = None) -> Proof | None:
    """Return the proof of a request, None without one; raises `BadProof` (RFC 9449, 4.3).

    The caller must remember `once` (see `replay.seen_before`) before it believes the proof.
    """
    headers = incoming.headers.getlist("DPoP")
    if not headers:
        return None
    if len(headers) > 1 or "," in headers[0]:
        raise BadProof("one DPoP header is accepted")
    try:
        return _checked(headers[0], incoming, access_token)
    except jose.BadToken as error:
        raise BadProof(str(error)) from None


def fresh_nonce() -> str:
    """Return the nonce that proofs shall carry now; every worker knows it without being told."""
    return _nonce(_bucket())


def thumbprint(value: str) -> bool:
    """Tell whether a text has the form of a JWK thumbprint (RFC 7638)."""
    return len(value) == 43 and value.replace("-", "a").replace("_", "a").isalnum() and value.isascii()


def _checked(proof: str, incoming: Request, access_token: str | None) -> Proof:
    header, _ = jose.peek(proof)
    key = _key(header.get("jwk"))
    claims = jose.verify(proof, typ=_TYPE, find_key=lambda _header, _claims: key)
    _check_target(claims, incoming)
    issued = _check_time(claims)
    _check_token(claims, access_token)
    _check_nonce(claims)
    jkt = key.thumbprint()
    until = datetime.fromtimestamp(issued + DPOP_SECONDS + CLOCK_SKEW_SECONDS, UTC)
    return Proof(jkt, Once("dpop", (jkt, _jti(claims)), until))


def _key(jwk: object) -> ECKey:
    """Return the public key of the header, the one place where a header may bring one."""
    if not isinstance(jwk, dict) or jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk or "k" in jwk:
        raise BadProof("jwk must be a public P-256 key")
    if not all(isinstance(jwk.get(name), str) and len(jwk[name]) <= 64 for name in _MEMBERS):
        raise BadProof("jwk must be a public P-256 key")
    try:
        key = ECKey.import_key({name: jwk[name] for name in _MEMBERS})
        # joserfc reads the numbers late; a point off the curve must fail here.
        _ = key.public_key
    except (JoseError, ValueError, TypeError):
        raise BadProof("jwk must be a public P-256 key") from None
    return key


def _check_target(claims: Mapping[str, Any], incoming: Request) -> None:
    if claims.get("htm") != incoming.method:
        raise BadProof("htm is not the method of this request")
    address = claims.get("htu")
    if not isinstance(address, str) or _address(address) != _address(issuer() + incoming.path):
        raise BadProof("htu is not the address of this request")


def _address(text: str) -> tuple[str, str, int | None, str]:
    """Return what is compared of an address: no query and no fragment (RFC 9449, 4.3, point 9)."""
    try:
        parts = urlsplit(text)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        raise BadProof("htu is not an address") from None
    if "@" in parts.netloc:
        raise BadProof("htu is not an address")
    return parts.scheme, (parts.hostname or "").lower(), port, unquote(parts.path) or "/"


def _check_time(claims: Mapping[str, Any]) -> float:
    present = time.time()
    issued = jose.moment(claims, "iat")
    if issued is None or not present - DPOP_SECONDS <= issued <= present + CLOCK_SKEW_SECONDS:
        raise BadProof("iat is missing, too old, or in the future")
    expires, begins = jose.moment(claims, "exp"), jose.moment(claims, "nbf")
    if (expires is not None and expires <= present) or (begins or 0) > present + CLOCK_SKEW_SECONDS:
        raise BadProof("the proof is not valid now")
    return issued


def _check_token(claims: Mapping[str, Any], access_token: str | None) -> None:
    if access_token is None:
        return
    wanted = urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()
    given = claims.get("ath")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode()):
        raise BadProof("ath is not the hash of the token")


def _check_nonce(claims: Mapping[str, Any]) -> None:
    given = claims.get("nonce")
    if given is None:
        raise NonceWanted("use the nonce of this answer")
    present = _bucket()
    # Those before are good still: an answer that carried one may just have left; another node's clock may run ahead.
    good = [_nonce(present + shift) for shift in (0, -1, -2, 1)]
    if not isinstance(given, str) or given not in good:
        raise NonceWanted("the nonce is too old: use the one of this answer")


def _jti(claims: Mapping[str, Any]) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 8 <= len(jti) <= 128:
        raise BadProof("jti must be a text of 8 to 128 signs")
    return jti


def _bucket() -> int:
    return int(time.time()) // NONCE_SECONDS


def _nonce(bucket: int) -> str:
    digest = hmac.new(crypto.derive("dpop-nonce"), str(bucket).encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:18]).decode()
