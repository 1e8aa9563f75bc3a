"""Which outside providers people may log in with: a file of the operator's, and the demo's simulated province."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from flask import current_app

from app.config import Settings
from app.errors import NotFound
from app.facade.settings import settings_of
from app.text import Text
from identity.federation.errors import ProviderSilent
from identity.oidc.settings import issuer

SIMULATED = "province"
SIMULATED_CLIENT, SIMULATED_SECRET = "suxin-city", "demo-province-secret"
_KEY = re.compile(r"[a-z][a-z0-9-]{1,30}")
_NEEDED = ("key", "title_zh", "title_en", "issuer", "client_id", "client_secret_file")


class BadProvider(Exception):
    """The providers' file cannot be used; the message says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An outside OpenID provider and how this city is registered there."""

    key: str
    title: Text
    issuer: str
    client_id: str
    client_secret: str
    id_number_claim: str = "resident_id"
    scope: str = "openid profile"

    @property
    def redirect_uri(self) -> str:
        """Our callback, another one for each provider, so that answers cannot be mixed up unnoticed."""
        return f"{issuer()}/login/with/{self.key}/callback"


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider as the log-in page shows it."""

    key: str
    title: Text


def offered() -> list[Offer]:
    """Return the providers to show, without asking any of them anything."""
    simulated = (
        [Offer(SIMULATED, Text("省政务服务账号（演示）", "your provincial account (demo)"))] if _socket() else []
    )
    return [Offer(each.key, each.title) for each in _registered().values()] + simulated


def provider(key: str) -> Provider:
    """Return a provider by its key; raises `NotFound`, and `ProviderSilent` where the simulated one is gone."""
    found = _registered().get(key)
    if found is not None:
        return found
    if key == SIMULATED and _socket():
        return _simulated(_socket())
    raise NotFound


def read(path: Path) -> dict[str, Provider]:
    """Read the providers' file, a JSON list; raises `BadProvider`."""
    try:
        listed = json.loads(path.read_text("utf-8"))
        found = [_parsed(each, path.parent) for each in listed]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadProvider(f"{path} cannot be read: write a JSON list of objects ({error})") from None
    if len({each.key for each in found}) != len(found):
        raise BadProvider("two providers have one key")
    return {each.key: each for each in found}


def _parsed(given: dict[str, Any], folder: Path) -> Provider:
    missing = [name for name in _NEEDED if not isinstance(given.get(name), str) or not given[name]]
    if missing:
        raise BadProvider(f"a provider lacks {', '.join(missing)}")
    if not _KEY.fullmatch(given["key"]):
        raise BadProvider("a provider's key is lower-case letters, digits and hyphens")
    parts = urlsplit(given["issuer"])
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise BadProvider(f"the issuer of {given['key']} must be an https address")
    return Provider(
        key=given["key"],
        title=Text(given["title_zh"], given["title_en"]),
        issuer=given["issuer"],
        client_id=given["client_id"],
        client_secret=(folder / given["client_secret_file"]).read_text("utf-8").strip(),
        id_number_claim=str(given.get("id_number_claim", "resident_id")),
        scope=str(given.get("scope", "openid profile")),
    )


def _registered() -> dict[str, Provider]:
    held = cast(dict[str, dict[str, Provider]], current_app.extensions.setdefault("identity.providers", {}))
    path = settings_of("identity")["providers_file"]
    if path not in held:
        held[path] = read(Path(path)) if path else {}
    return held[path]


def _socket() -> str:
    demo = cast(Settings, current_app.config["SETTINGS"]).demo
    return settings_of("identity")["province_socket"] if demo else ""


def _simulated(socket: str) -> Provider:
    # The simulator chooses its port itself; over its socket it tells which.
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=socket), timeout=2) as http:
            said = http.get("http://province/").raise_for_status().json()["issuer"]
    except (httpx.HTTPError, ValueError, KeyError):
        raise ProviderSilent from None
    return Provider(
        key=SIMULATED,
        title=Text("省政务服务账号（演示）", "your provincial account (demo)"),
        issuer=said,
        client_id=SIMULATED_CLIENT,
        client_secret=SIMULATED_SECRET,
    )
