"""Sealing and finding secrets: envelope encryption, blind indexes, derived keys.

Key-encryption keys (KEK) live in a file outside the database. Data keys, one
per purpose, lie wrapped in the database. A sealed value is
`version | key id | nonce | AES-256-GCM ciphertext` and opens only at the
place (table/row/column) it was sealed for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, current_app
from sqlalchemy import BigInteger, Identity, Index, LargeBinary, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.config import BadSetting
from app.db import Base, database, now

_VERSION = b"\x01"
_NONCE = 12


class CannotOpen(Exception):
    """A sealed value is damaged, moved, or sealed under a key we do not hold."""


class DataKey(Base):
    """One wrapped data key; the newest of a purpose seals, all of them open."""

    __tablename__ = "data_key"
    __table_args__ = (Index("ix_data_key_purpose", "purpose", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(60))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key-encryption keys, newest first; the last one is the root of derived keys.

    Blind indexes and derived keys must survive a KEK rotation, so the oldest
    key of the file stays their root and is never removed.
    """

    keys: dict[str, bytes] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> KeyRing:
        """Read a key file, one `id:base64` a line; raises `BadSetting`."""
        try:
            lines = [line for line in path.read_text("ascii").split() if line]
            keys = {name: base64.b64decode(raw, validate=True) for name, raw in (line.split(":") for line in lines)}
        except (OSError, ValueError, binascii.Error):
            raise BadSetting("SUXIN_KEY_FILE cannot be read: write one `id:base64 of 32 bytes` a line.") from None
        if not keys or any(len(key) != 32 for key in keys.values()):
            raise BadSetting("SUXIN_KEY_FILE holds no usable key: each key has 32 bytes.")
        return cls(keys)

    @classmethod
    def fresh(cls) -> KeyRing:
        """Return a ring with one new key."""
        return cls({"k1": os.urandom(32)})

    def write(self, path: Path) -> None:
        """Write the ring to a file that only its owner can read; never over another."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.writelines(f"{name}:{base64.b64encode(key).decode()}\n" for name, key in self.keys.items())

    def wrap(self, plain: bytes, *, place: str) -> bytes:
        """Encrypt a key under the newest KEK."""
        name, key = next(iter(self.keys.items()))
        return name.encode().ljust(8, b"\0") + _encrypt(AESGCM(key), plain, place)

    def unwrap(self, wrapped: bytes, *, place: str) -> bytes:
        """Return a wrapped key; raises `CannotOpen`."""
        key = self.keys.get(wrapped[:8].rstrip(b"\0").decode("ascii", "replace"))
        if key is None:
            raise CannotOpen("the key-encryption key is not in the key file")
        return _decrypt(AESGCM(key), wrapped[8:], place)

    def is_newest(self, wrapped: bytes) -> bool:
        """Tell whether a key is wrapped under the newest KEK."""
        return wrapped[:8] == next(iter(self.keys)).encode().ljust(8, b"\0")

    def rewrap(self, wrapped: bytes, *, place: str) -> bytes:
        """Return a wrapped key under the newest KEK; raises `CannotOpen`."""
        return self.wrap(self.unwrap(wrapped, place=place), place=place)

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes that are the same for this purpose for ever (HKDF, RFC 5869)."""
        root = list(self.keys.values())[-1]
        return HKDF(hashes.SHA256(), 32, salt=None, info=b"suxin/" + purpose.encode()).derive(root)


class Vault:
    """Seals and opens with data keys that it loads, or makes, once per process."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._by_id: dict[int, AESGCM] = {}
        self._newest: dict[str, int] = {}
        self._derived: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def seal(self, plain: bytes, *, purpose: str, place: str) -> bytes:
        """Return the sealed value for one place."""
        key_id = self._newest.get(purpose) or self._load_newest(purpose)
        return _VERSION + key_id.to_bytes(8, "big") + _encrypt(self._by_id[key_id], plain, f"{purpose}|{place}")

    def open(self, sealed: bytes, *, purpose: str, place: str) -> bytes:
        """Return what was sealed; raises `CannotOpen`."""
        if len(sealed) < 9 + _NONCE + 16 or sealed[:1] != _VERSION:
            raise CannotOpen("not a sealed value")
        key_id = int.from_bytes(sealed[1:9], "big")
        key = self._by_id.get(key_id) or self._load(key_id, purpose)
        return _decrypt(key, sealed[9:], f"{purpose}|{place}")

    def derive(self, purpose: str) -> bytes:
        """Return the derived secret of a purpose."""
        if purpose not in self._derived:
            self._derived[purpose] = self.ring.derive(purpose)
        return self._derived[purpose]

    def rotate(self, purpose: str) -> int:
        """Make a new data key that seals from now on; older ones go on opening."""
        with self._lock, Session(database().write) as own, own.begin():
            row = self._make(own, purpose)
            self._newest[purpose] = row.id
            return row.id

    def rewrap(self) -> int:
        """Wrap every data key under the newest KEK; returns how many changed hands."""
        with Session(database().write) as own, own.begin():
            old = [row for row in own.scalars(select(DataKey)) if not self.ring.is_newest(row.wrapped)]
            for row in old:
                row.wrapped = self.ring.rewrap(row.wrapped, place=f"data_key/{row.purpose}")
            return len(old)

    def _load_newest(self, purpose: str) -> int:
        with self._lock, Session(database().write) as own, own.begin():
            # Two processes that start together must agree on one first key.
            own.execute(text("SELECT pg_advisory_xact_lock(hashtext(:p))"), {"p": f"data_key/{purpose}"})
            newest = own.scalars(
                select(DataKey).where(DataKey.purpose == purpose).order_by(DataKey.id.desc()).limit(1)
            ).first()
            row = newest or self._make(own, purpose)
            self._by_id[row.id] = self._unwrapped(row)
            self._newest[purpose] = row.id
            return row.id

    def _load(self, key_id: int, purpose: str) -> AESGCM:
        with Session(database().write) as own:
            row = own.get(DataKey, key_id)
        if row is None or row.purpose != purpose:
            raise CannotOpen("no data key with this id and purpose")
        self._by_id[key_id] = self._unwrapped(row)
        return self._by_id[key_id]

    def _unwrapped(self, row: DataKey) -> AESGCM:
        return AESGCM(self.ring.unwrap(row.wrapped, place=f"data_key/{row.purpose}"))

    def _make(self, own: Session, purpose: str) -> DataKey:
        key = AESGCM.generate_key(256)
        row = DataKey(purpose=purpose, wrapped=self.ring.wrap(key, place=f"data_key/{purpose}"))
        own.add(row)
        own.flush()
        self._by_id[row.id] = AESGCM(key)
        return row


def _encrypt(key: AESGCM, plain: bytes, place: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + key.encrypt(nonce, plain, place.encode())


def _decrypt(key: AESGCM, sealed: bytes, place: str) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
    except (InvalidTag, ValueError):
        raise CannotOpen("the value was changed or belongs to another place") from None


def install(app: Flask, ring: KeyRing) -> None:
    """Attach a vault to an app."""
    app.extensions["suxin.vault"] = Vault(ring)


def vault() -> Vault:
    """Return the current app's vault."""
    return cast(Vault, current_app.extensions["suxin.vault"])


def seal(plain: bytes, *, purpose: str, place: str) -> bytes:
    """Seal bytes for one place, `table/row/column`."""
    return vault().seal(plain, purpose=purpose, place=place)


def open_sealed(sealed: bytes, *, purpose: str, place: str) -> bytes:
    """Open what `seal` returned; raises `CannotOpen`."""
    return vault().open(sealed, purpose=purpose, place=place)


def blind_index(value: str, *, purpose: str) -> bytes:
    """Return a keyed hash (HMAC-SHA-256) by which a sealed value can be found."""
    return hmac.new(derive(f"blind/{purpose}"), value.encode(), hashlib.sha256).digest()


def derive(purpose: str) -> bytes:
    """Return 32 secret bytes, the same for a purpose for ever."""
    return vault().derive(purpose)


def new_data_key() -> bytes:
    """Return a fresh data key for one owner, to be kept wrapped beside what it seals."""
    return AESGCM.generate_key(256)


def wrap_key(key: bytes, *, place: str) -> bytes:
    """Wrap an owner's data key under the newest KEK."""
    return vault().ring.wrap(key, place=place)


def unwrap_key(wrapped: bytes, *, place: str) -> bytes:
    """Return an owner's data key; raises `CannotOpen`."""
    return vault().ring.unwrap(wrapped, place=place)
