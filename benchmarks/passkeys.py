"""A passkey of the benchmark's citizens: signs as a synced one does, whose counter stays at zero."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass

from cbor2 import dumps
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN, RP_ID = "http://127.0.0.1:8000", "127.0.0.1"
_DATA = hashlib.sha256(RP_ID.encode()).digest() + bytes([0x05]) + bytes(4)


@dataclass(frozen=True, slots=True)
class Passkey:
    """One credential; the key of all is one key, which costs the server the same."""

    key: ec.EllipticCurvePrivateKey
    credential_id: bytes

    def cose(self) -> bytes:
        """Return the public key as authenticators give it."""
        numbers = self.key.public_key().public_numbers()
        return dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})

    def answer(self, challenge: bytes) -> str:
        """Return the credential that answers a challenge, as a browser's `toJSON` has it."""
        said = {"type": "webauthn.get", "challenge": _text(challenge), "origin": ORIGIN, "crossOrigin": False}
        client = json.dumps(said).encode()
        signature = self.key.sign(_DATA + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": _text(client), "authenticatorData": _text(_DATA), "signature": _text(signature),
        }  # fmt: skip
        name = _text(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
