"""What is sealed opens at its own place only, under keys that can be turned."""

from pathlib import Path

import pytest
from flask import Flask

from app.config import BadSetting
from app.crypto import CannotOpen, KeyRing, Vault, blind_index, open_sealed, seal, unwrap_key, vault, wrap_key

PLACE = "person/p1/name"


def test_a_sealed_value_opens_at_its_place(kernel: Flask) -> None:
    sealed = seal("李雷".encode(), purpose="test", place=PLACE)

    assert open_sealed(sealed, purpose="test", place=PLACE).decode() == "李雷"
    assert "李雷".encode() not in sealed


@pytest.mark.parametrize(("purpose", "place"), [("test", "person/p2/name"), ("other", PLACE)])
def test_a_moved_value_does_not_open(kernel: Flask, purpose: str, place: str) -> None:
    sealed = seal(b"secret", purpose="test", place=PLACE)

    with pytest.raises(CannotOpen):
        open_sealed(sealed, purpose=purpose, place=place)


def test_every_changed_byte_is_noticed(kernel: Flask) -> None:
    sealed = seal(b"secret", purpose="test", place=PLACE)

    for position in range(len(sealed)):
        damaged = sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]
        with pytest.raises(CannotOpen):
            open_sealed(damaged, purpose="test", place=PLACE)


def test_old_values_open_after_rotation_and_new_ones_use_the_new_key(kernel: Flask) -> None:
    old = seal(b"secret", purpose="turning", place=PLACE)

    vault().rotate("turning")
    new = seal(b"secret", purpose="turning", place=PLACE)

    assert old[1:9] != new[1:9]
    assert open_sealed(old, purpose="turning", place=PLACE) == b"secret"


def test_rewrapped_keys_open_without_the_retired_key(kernel: Flask, ring: KeyRing) -> None:
    old = seal(b"secret", purpose="rewrapping", place=PLACE)
    newer = KeyRing({"k2": KeyRing.fresh().keys["k1"], **ring.keys})

    assert Vault(newer).rewrap() >= 1

    assert Vault(KeyRing({"k2": newer.keys["k2"]})).open(old, purpose="rewrapping", place=PLACE) == b"secret"
    with pytest.raises(CannotOpen):
        Vault(KeyRing.fresh()).open(old, purpose="rewrapping", place=PLACE)
    assert Vault(KeyRing({"k1": ring.keys["k1"], "k2": newer.keys["k2"]})).rewrap() >= 1


def test_two_processes_agree_on_the_first_key_of_a_purpose(kernel: Flask, ring: KeyRing) -> None:
    one, other = Vault(ring), Vault(ring)

    sealed = one.seal(b"secret", purpose="shared", place=PLACE)

    assert other.seal(b"secret", purpose="shared", place=PLACE)[1:9] == sealed[1:9]
    assert other.open(sealed, purpose="shared", place=PLACE) == b"secret"


def test_blind_indexes_differ_by_purpose_and_secret(kernel: Flask) -> None:
    assert blind_index("1", purpose="a") == blind_index("1", purpose="a")
    assert blind_index("1", purpose="a") != blind_index("1", purpose="b")


def test_an_owners_key_unwraps_at_its_place_only(kernel: Flask) -> None:
    wrapped = wrap_key(b"k" * 32, place="face/p1")

    assert unwrap_key(wrapped, place="face/p1") == b"k" * 32
    with pytest.raises(CannotOpen):
        unwrap_key(wrapped, place="face/p2")


def test_a_key_file_survives_and_a_bad_one_is_refused(tmp_path: Path) -> None:
    ring, path = KeyRing.fresh(), tmp_path / "keys"
    ring.write(path)

    assert KeyRing.read(path) == ring
    assert path.stat().st_mode & 0o777 == 0o600
    assert ring.keys["k1"].hex() not in repr(ring)
    for text in ("", "k1", "k1:AAAA", "k1:***"):
        (tmp_path / "bad").write_text(text)
        with pytest.raises(BadSetting):
            KeyRing.read(tmp_path / "bad")
