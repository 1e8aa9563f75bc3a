"""Every face key comes under the newest key-encryption key while the city serves; nothing is unreadable meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select, update

from app import crypto, rewrap
from app.crypto import CannotOpen, KeyRing, Vault
from app.db import now, session, unit_of_work
from identity.face.models import FaceKey
from identity.face.vault import key_place

KEYS = 7


@pytest.fixture
def plain(clean_city: Flask, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Face keys of a city whose key file has just gained a new line; in clear, by id."""
    monkeypatch.setattr(rewrap, "BATCH", 2)
    made = {f"facekey_{number}": os.urandom(32) for number in range(KEYS)}
    with clean_city.app_context(), unit_of_work():
        for key_id, key in made.items():
            wrapped = crypto.wrap_key(key, place=key_place(key_id, "person_1"))
            session().add(FaceKey(id=key_id, person_id="person_1", wrapped=wrapped))
        crypto.seal(b"secret", purpose="person", place="p")
    old = crypto_ring(clean_city)
    clean_city.extensions["suxin.vault"] = Vault(KeyRing({"k2": os.urandom(32), **old.keys}))
    return made


def crypto_ring(city: Flask) -> KeyRing:
    with city.app_context():
        return crypto.vault().ring


def readable(plain: dict[str, bytes], but: frozenset[str] = frozenset()) -> bool:
    with unit_of_work(read_only=True):
        held = {key.id: key.wrapped for key in session().scalars(select(FaceKey))}
    opened = {
        key_id: crypto.unwrap_key(wrapped, place=key_place(key_id, "person_1"))
        for key_id, wrapped in held.items()
        if wrapped is not None
    }
    return opened == {key_id: key for key_id, key in plain.items() if key_id not in but}


def shred(key_id: str) -> None:
    with unit_of_work():
        session().execute(update(FaceKey).where(FaceKey.id == key_id).values(wrapped=None, shredded_at=now()))


def stopping_after(pages: int) -> Callable[[str, int], None]:
    left = iter(range(pages))

    def say(kind: str, _: int) -> None:
        if kind == "face keys" and next(left, None) is None:
            raise KeyboardInterrupt

    return say


def test_all_face_keys_change_hands_and_open_at_every_moment(clean_city: Flask, plain: dict[str, bytes]) -> None:
    told = []

    def say(kind: str, done: int) -> None:
        told.append((kind, done))
        assert readable(plain)

    with clean_city.app_context():
        # The data keys of the fixture's two purposes come first, then the pages of the face keys.
        total = rewrap.rewrap_all(say)

        assert [done for kind, done in told if kind == "face keys"] == [2, 4, 6, 7]
        assert total == told[0][1] + KEYS
        assert rewrap.rewrap_all(say) == 0


def test_without_the_old_key_everything_still_opens_afterwards(clean_city: Flask, plain: dict[str, bytes]) -> None:
    with clean_city.app_context():
        with pytest.raises(CannotOpen):
            _only_the_newest(clean_city, plain)

        rewrap.rewrap_all(lambda *_: None)

        assert _only_the_newest(clean_city, plain)


def _only_the_newest(city: Flask, plain: dict[str, bytes]) -> bool:
    held = city.extensions["suxin.vault"]
    name, key = next(iter(held.ring.keys.items()))
    city.extensions["suxin.vault"] = Vault(KeyRing({name: key}))
    try:
        return readable(plain)
    finally:
        city.extensions["suxin.vault"] = held


def test_an_interrupted_run_is_repeated_and_does_the_rest(clean_city: Flask, plain: dict[str, bytes]) -> None:
    with clean_city.app_context():
        with pytest.raises(KeyboardInterrupt):
            rewrap.rewrap_all(stopping_after(1))
        assert readable(plain)

        done = []
        rewrap.rewrap_all(lambda kind, count: done.append((kind, count)))

        # Two pages were done before: the one that was told, and the one whose telling was interrupted.
        assert done[-1] == ("face keys", KEYS - 4)
        assert readable(plain)


def test_a_key_that_is_shredded_meanwhile_stays_shredded(clean_city: Flask, plain: dict[str, bytes]) -> None:
    def say(kind: str, done: int) -> None:
        if (kind, done) == ("face keys", 2):
            shred("facekey_5")

    with clean_city.app_context():
        rewrap.rewrap_all(say)

        assert readable(plain, but=frozenset({"facekey_5"}))
