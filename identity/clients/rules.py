"""What a client may be: redirect addresses, access, keys. Checked on create and on change alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from app.errors import InvalidRequest
from app.principal import Kind
from identity.offered import known_scopes
from identity.oidc.keys import public_members

_LOOPBACK = ("127.0.0.1", "[::1]", "::1")
# RFC 8252, 7.1: a private-use scheme is a domain name in reverse order.
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+")
GRANT_TYPES = (
    "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba", "urn:ietf:params:oauth:grant-type:token-exchange",
)  # fmt: skip
_RSA_BITS = (2048, 4096)
_RSA_SIGNS = (342, 684)


def check_redirects(uris: Sequence[str], *, confidential: bool) -> None:
    """Raise `InvalidRequest` for a redirect address that could lead a code astray (RFC 9700, 2.1; RFC 8252)."""
    wrong = [uri for uri in uris if not _safe_redirect(uri, confidential=confidential)]
    if wrong or len(set(uris)) != len(uris):
        raise InvalidRequest(errors={"json": {"redirect_uris": ["https, own loopback or own scheme; no fragment"]}})


def check_https(field: str, uris: Sequence[str]) -> None:
    """Raise `InvalidRequest` unless every address is https on a named host."""
    if not all((parts := _split(uri)) and parts.scheme == "https" and parts.hostname for uri in uris):
        raise InvalidRequest(errors={"json": {field: ["https addresses only"]}})


def check_access(access: Mapping[str, Sequence[str]]) -> None:
    """Raise `InvalidRequest` for an audience or scope that the city does not have."""
    known = known_scopes()
    wrong = [name for name, scopes in access.items() if name not in known or not set(scopes) <= known[name]]
    if wrong or not access:
        raise InvalidRequest(errors={"json": {"access": [f"unknown audience or scope: {each}" for each in wrong]}})


def check_terminal_access(access: Mapping[str, Sequence[str]]) -> None:
    """Raise `InvalidRequest` for access that no terminal can use."""
    known = known_scopes(Kind.TERMINAL)
    if not access or any(not set(scopes) <= known.get(name, frozenset()) for name, scopes in access.items()):
        raise InvalidRequest(errors={"json": {"access": ["only what routes offer to terminals"]}})


def covers(given: Mapping[str, Sequence[str]], wanted: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether one access holds all of another."""
    return all(set(scopes) <= set(given.get(audience, ())) for audience, scopes in wanted.items())


def public_key(jwk: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return algorithm and public members of a client's key: P-256, or RSA of 2048 to 4096 bits.

    Raises `InvalidRequest`, also for a private key: it must never come here.
    """
    try:
        if set(jwk) & {"d", "p", "q", "dp", "dq", "qi", "k"}:
            raise ValueError
        if jwk.get("kty") == "EC" and jwk.get("crv") == "P-256":
            return "ES256", public_members(ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
        return "PS256", _rsa(jwk)
    except (JoseError, KeyError, ValueError, TypeError):
        raise InvalidRequest(errors={"json": {"jwk": ["a public P-256 key, or RSA of 2048 to 4096 bits"]}}) from None


def _rsa(jwk: Mapping[str, Any]) -> dict[str, Any]:
    # The size is judged before the key is read: a weak or huge one costs nothing.
    if jwk.get("kty") != "RSA" or not _RSA_SIGNS[0] <= len(jwk["n"]) <= _RSA_SIGNS[1]:
        raise ValueError
    key = RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")})
    if not _RSA_BITS[0] <= key.public_key.key_size <= _RSA_BITS[1]:
        raise ValueError
    members = key.as_dict(private=False)
    return {name: members[name] for name in ("kty", "n", "e")}


def _safe_redirect(uri: str, *, confidential: bool) -> bool:
    parts = _split(uri)
    if parts is None or "#" in uri or "*" in uri or "@" in parts.netloc or ".." in parts.path.split("/"):
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    if confidential:
        return False
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK
    return _PRIVATE_SCHEME.fullmatch(parts.scheme) is not None and not parts.netloc


def _split(uri: str) -> SplitResult | None:
    if not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri or ";" in uri or len(uri) > 400:
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts
