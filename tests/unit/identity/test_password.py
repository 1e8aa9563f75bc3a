"""Weak passwords are refused without asking anyone."""

from __future__ import annotations

import pytest

from identity.authenticators.guesses import network
from identity.authenticators.password import WeakPassword, check_strength


@pytest.mark.parametrize(
    "password",
    ["short1A", "x" * 129, "aaaaaaaaaaaa", "Password123", "qwertyuiop", "woaini1314", "suqian2026!", "my-linan-house"],
)
def test_weak_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_strength(password, login_name="linan")


def test_long_uncommon_password_is_taken() -> None:
    check_strength("Willow-lantern-47", login_name="linan")


@pytest.mark.parametrize(
    ("address", "party"),
    [("10.1.2.3", "10.1.2.3"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("", "unknown"), ("x", "unknown")],
)
def test_source_is_what_one_party_holds(address: str, party: str) -> None:
    assert network(address) == party
