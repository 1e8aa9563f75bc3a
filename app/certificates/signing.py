"""Sign what a certificate states (JWS, ES256) with the issuer's key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

from app.crypto import derive

# The order of P-256: a private key is a number below it.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def issuer_key() -> ECKey:
    """Return the issuer's key pair, the same for an installation for ever."""
    secret = int.from_bytes(derive("certificates/issuer") + derive("certificates/issuer/2")) % (_ORDER - 1) + 1
    key = ECKey.import_key(ec.derive_private_key(secret, ec.SECP256R1()))
    return ECKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint(), "alg": "ES256", "use": "sig"})


def canonical(claims: Mapping[str, Any]) -> bytes:
    """Return the bytes that are hashed and sealed."""
    return orjson.dumps(dict(claims), option=orjson.OPT_SORT_KEYS)


def sign(statement: Mapping[str, Any]) -> str:
    """Return a compact JWS over a certificate's statement."""
    key = issuer_key()
    header = {"alg": "ES256", "kid": key.kid, "typ": "suxin-certificate+jws"}
    return jws.serialize_compact(header, canonical(statement), key, algorithms=["ES256"])


def claims_hash(claims: Mapping[str, Any]) -> bytes:
    """Return the hash of the claims that the signature covers."""
    return hashlib.sha256(canonical(claims)).digest()
