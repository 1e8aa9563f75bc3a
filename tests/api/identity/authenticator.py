"""A software authenticator: real CBOR, COSE keys and ES256 signatures, as a phone makes them (WebAuthn L3, 6)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cbor2 import dumps
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ORIGIN, RP_ID = "http://city.test", "city.test"


def text_of(value: bytes) -> str:
    """Encode base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass(slots=True)
class Phone:
    """One passkey on one device; every field can be bent to make it lie."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    count: int = 0
    flags: int = USER_PRESENT | USER_VERIFIED
    origin: str = ORIGIN
    rp_id: str = RP_ID
    user_handle: str | None = None

    def create(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Answer registration options."""
        self.user_handle = options["user"]["id"]
        self.count += 1
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._cose()
        data = self._data(self.flags | ATTESTED) + attested
        client = self._client(changes.pop("type", "webauthn.create"), options["challenge"], **changes)
        response = {
            "clientDataJSON": text_of(client),
            "attestationObject": text_of(dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return self._credential(response)

    def get(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Answer log-in options."""
        self.count += 1
        data = self._data(self.flags)
        client = self._client(changes.pop("type", "webauthn.get"), options["challenge"], **changes)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": text_of(client),
            "authenticatorData": text_of(data),
            "signature": text_of(signature),
            **({"userHandle": self.user_handle} if self.user_handle else {}),
        }
        return self._credential(response)

    def copy(self) -> Phone:
        """Return a clone, as a thief makes one."""
        return Phone(self.key, self.credential_id, self.count, user_handle=self.user_handle)

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        name = text_of(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}

    def _client(self, kind: str, asked: str, /, **changes: Any) -> bytes:
        said = {"type": kind, "challenge": asked, "origin": self.origin, "crossOrigin": False, **changes}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _cose(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
