"""Templates at rest: rotated by a secret, sealed under the citizen's own key, bound to their row."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app import crypto
from identity.face import weights
from identity.face.vector import WIDTH, BadVector, Vector, rotation, unit

# Name of the first secret rotation; a new name re-keys templates without new photographs.
ROTATION = "r1"
_NONCE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a sealed template belongs to; all of it is authenticated with the ciphertext."""

    person: str
    version: int
    model: str
    rotation: str
    key: str

    def bytes(self) -> bytes:
        """Return the additional data of the seal."""
        return "|".join((self.person, str(self.version), self.model, self.rotation, self.key)).encode()


def key_place(key_id: str, person: str) -> str:
    """Return the place a citizen's data key is wrapped for."""
    return f"identity.face_key/{key_id}/{person}"


def rotated(vector: Vector, name: str = ROTATION) -> Vector:
    """Return the vector in the secret basis, at length one."""
    return unit(rotation(crypto.derive(f"face/rotation/{name}")) @ unit(vector))


def turned(vector: Vector, *, before: str, after: str) -> Vector:
    """Return a rotated vector in another basis; nobody's photograph is needed for that."""
    plain = rotation(crypto.derive(f"face/rotation/{before}")).T @ vector
    return rotated(plain, after)


def seal(vector: Vector, *, key: bytes, label: Label) -> bytes:
    """Seal a rotated vector as 256 bytes of half floats."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, unit(vector).astype("<f2").tobytes(), label.bytes())


def open_sealed(sealed: bytes, *, key: bytes, label: Label) -> Vector:
    """Return the rotated vector; raises `app.crypto.CannotOpen`, also for another model's template."""
    if label.model != weights.MODEL_ID:
        raise crypto.CannotOpen("the template is of another model")
    try:
        plain = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], label.bytes())
        return unit(np.frombuffer(plain, "<f2", count=WIDTH).astype(np.float32))
    except (InvalidTag, ValueError, BadVector):
        raise crypto.CannotOpen("the template was changed or belongs to another row") from None


def fingerprint(sealed: bytes) -> str:
    """Return what an erasure names: the hash of the bytes that are gone."""
    return hashlib.sha256(sealed).hexdigest()
