"""Messages to clients' addresses leave to public hosts only, whatever a name resolves to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.config import Settings
from identity.oidc.logout import egress
from tests.api.identity.receiver import open_door

PUBLIC = "93.184.215.14"


@pytest.fixture
def outside_demo(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings: Settings = app.config["SETTINGS"]
    monkeypatch.setitem(app.config, "SETTINGS", replace(settings, demo=False))
    with app.app_context():
        yield


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note where a message would go instead of sending it."""
    went: list[str] = []

    def note(parts: Any, address: Any, form: Any) -> bool:
        went.append(str(address))
        return True

    monkeypatch.setattr(egress, "_sent", note)
    return went


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name have these addresses."""

    def found(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.7", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
    "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "2002:7f00:1::", "2002:a00:1::", "2001:0:7f00:1::", "fe80::1%eth0",
]  # fmt: skip


@pytest.mark.usefixtures("outside_demo")
@pytest.mark.parametrize("address", PRIVATE)
def test_name_of_a_private_host_is_not_sent_to(monkeypatch: pytest.MonkeyPatch, sent: list[str], address: str) -> None:
    resolve_to(monkeypatch, address)

    assert egress.post("https://looks-public.test/logout", {"a": "b"}) is False
    assert sent == []


@pytest.mark.usefixtures("outside_demo")
def test_one_private_address_among_public_ones_spoils_the_name(
    monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    resolve_to(monkeypatch, PUBLIC, "10.0.0.5")

    assert egress.post("https://two-faced.test/logout", {}) is False
    assert sent == []


@pytest.mark.usefixtures("outside_demo")
def test_message_goes_to_the_very_address_that_was_judged(monkeypatch: pytest.MonkeyPatch, sent: list[str]) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (each, port)) for each in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    assert egress.post("https://rebinding.test/logout", {}) is True
    assert sent == [PUBLIC]


@pytest.mark.usefixtures("outside_demo")
@pytest.mark.parametrize(
    "url",
    [
        "http://public.test/logout", "ftp://public.test/", "file:///etc/passwd", "https://", "https:///x", "//x.test/",
        "https://user@public.test/", "https://user:pass@public.test/", "https://public.test/#x", "https://a.test\\@b.test/",
        "https://public.test:0/", "https://public.test:99999/", "https://public.test/ x", "https://public.test/\n",
        "https://例子.test/", "gopher://public.test/", "", "https://public.test/" + "x" * 400,
    ],
)  # fmt: skip
def test_address_of_a_wrong_form_is_refused_before_any_name_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, sent: list[str], url: str
) -> None:
    resolve_to(monkeypatch, PUBLIC)

    with pytest.raises(egress.Forbidden):
        egress.check(url)
    assert egress.post(url, {}) is False
    assert sent == []


@pytest.mark.usefixtures("outside_demo")
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "localhost"]
)
def test_private_address_is_refused_at_registration(host: str) -> None:
    with pytest.raises(egress.Forbidden):
        egress.check(f"https://{host}/logout")


@pytest.mark.usefixtures("outside_demo")
@pytest.mark.parametrize("spelt", ["https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/"])
def test_odd_spellings_of_loopback_end_where_they_resolve(
    monkeypatch: pytest.MonkeyPatch, sent: list[str], spelt: str
) -> None:
    resolve_to(monkeypatch, "127.0.0.1")

    assert egress.post(spelt, {}) is False
    assert sent == []


@pytest.mark.usefixtures("outside_demo")
def test_listed_private_host_is_sent_to_and_its_neighbours_are_not(
    monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    monkeypatch.setenv("SUXIN_IDENTITY_PRIVATE_HOSTS", "dept.gov.test:443, other.gov.test:8443")
    resolve_to(monkeypatch, "10.20.0.9")

    assert egress.post("https://dept.gov.test/logout", {}) is True
    assert egress.post("https://dept.gov.test:8443/logout", {}) is False
    assert egress.post("https://third.gov.test/logout", {}) is False
    assert sent == ["10.20.0.9"]


@pytest.mark.usefixtures("outside_demo")
def test_link_local_host_is_never_sent_to_even_when_listed(monkeypatch: pytest.MonkeyPatch, sent: list[str]) -> None:
    monkeypatch.setenv("SUXIN_IDENTITY_PRIVATE_HOSTS", "metadata.test:443")
    resolve_to(monkeypatch, "169.254.169.254")

    assert egress.post("https://metadata.test/", {}) is False


def test_demo_sends_to_this_machine_and_follows_no_redirect(app: Flask) -> None:
    with app.app_context(), open_door() as door, open_door() as other:
        assert egress.post(door.uri, {"logout_token": "t"}) is True
        door.answer, door.location = 302, other.uri
        assert egress.post(door.uri, {"logout_token": "t"}) is False

    assert (door.came, other.came) == (["t", "t"], [])


def test_control_that_trusts_the_name_reaches_a_private_host(app: Flask, outside_demo: None) -> None:
    def trusting(url: str) -> bool:
        import httpx

        return httpx.post(url, data={"logout_token": "t"}, trust_env=False).status_code == 200

    with open_door() as door:
        assert trusting(door.uri)
        assert egress.post(door.uri, {"logout_token": "t"}) is False
    assert len(door.came) == 1


def test_silent_host_is_given_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    monkeypatch.setattr(egress, "_TIMES", httpx.Timeout(0.2, connect=0.2))
    with socket.socket() as silent, app.app_context():
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        assert egress.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", {}) is False
