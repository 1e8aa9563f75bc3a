"""What a client signs: assertions and proofs, made by the bare cryptography so that the generator costs little."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_NUMBERS = itertools.count()


def b64(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(slots=False)
class Signer:
    """A P-256 key of a client."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @cached_property
    def public_jwk(self) -> dict[str, str]:
        """The public members."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": b64(numbers.x.to_bytes(32, "big")),
            "y": b64(numbers.y.to_bytes(32, "big")),
        }

    @property
    def private_jwk(self) -> dict[str, str]:
        """All members."""
        return {**self.public_jwk, "d": b64(self.private.private_numbers().private_value.to_bytes(32, "big"))}

    @cached_property
    def kid(self) -> str:
        """The thumbprint (RFC 7638)."""
        members = json.dumps(self.public_jwk, sort_keys=True, separators=(",", ":"))
        return b64(hashlib.sha256(members.encode()).digest())

    @cached_property
    def _proof_header(self) -> str:
        return b64(json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.public_jwk}).encode())

    @cached_property
    def _assertion_header(self) -> str:
        return b64(json.dumps({"typ": "JWT", "alg": "ES256", "kid": self.kid}).encode())

    def assertion(self, client_id: str, issuer: str) -> str:
        """Return a fresh client assertion (RFC 7523)."""
        present = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": issuer, "iat": present, "exp": present + 50, "jti": _jti()}
        return self._signed(self._assertion_header, claims)

    def proof(self, method: str, address: str, nonce: str, token: str | None = None) -> str:
        """Return a fresh DPoP proof (RFC 9449)."""
        claims = {"htm": method, "htu": address, "iat": int(time.time()), "jti": _jti(), "nonce": nonce}
        if token is not None:
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        return self._signed(self._proof_header, claims)

    def _signed(self, header: str, claims: dict[str, Any]) -> str:
        said = f"{header}.{b64(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self.private.sign(said.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{said}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _jti() -> str:
    return f"bench-{os.getpid()}-{time.time_ns()}-{next(_NUMBERS)}"
