"""One question to an outside register over HTTP: short time-outs, strict reading, no personal data in errors."""

from __future__ import annotations

from typing import Any, cast

import httpx
from flask import current_app

from app.facade.settings import settings_of
from identity.proofing.terms import RegisterDown, Verdict

_KEY = "identity.registers"
_MOST_BYTES = 20_000


def ask(register: str, question: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return a register's answer; raises `RegisterDown` whatever goes wrong on the way."""
    try:
        answer = _client(register).post(f"/{question}", json=body)
    except httpx.HTTPError:
        raise RegisterDown(register) from None
    if answer.status_code != 200 or len(answer.content) > _MOST_BYTES:
        raise RegisterDown(register)
    try:
        said = answer.json()
    except ValueError:
        raise RegisterDown(register) from None
    if not isinstance(said, dict):
        raise RegisterDown(register)
    return said


def verdict(register: str, said: dict[str, Any]) -> Verdict:
    """Return the verdict in an answer; raises `RegisterDown` for a word nobody agreed on."""
    try:
        return Verdict(str(said.get("verdict")))
    except ValueError:
        raise RegisterDown(register) from None


def text(register: str, said: dict[str, Any], name: str) -> str:
    """Return a text of an answer; raises `RegisterDown`."""
    found = said.get(name)
    if not isinstance(found, str) or not 1 <= len(found) <= 200:
        raise RegisterDown(register)
    return found


def _client(register: str) -> httpx.Client:
    settings = settings_of("identity")
    address = settings[f"{register}_url"] or settings[f"{register}_socket"]
    if not address:
        raise RegisterDown(register)
    held = cast(dict[str, httpx.Client], current_app.extensions.setdefault(_KEY, {}))
    if address not in held:
        held[address] = _connected(address, int(settings["register_wait_ms"]) / 1000)
    return held[address]


def _connected(address: str, seconds: float) -> httpx.Client:
    by_url = address.startswith(("http://", "https://"))
    return httpx.Client(
        base_url=address if by_url else "http://register",
        transport=None if by_url else httpx.HTTPTransport(uds=address),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(seconds),
    )
