"""Signed tokens, strictly: the algorithm belongs to the key, and headers bring no keys."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

ALGORITHM = "ES256"
RS256 = "RS256"
PS256 = "PS256"
LONGEST = 8192
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
# One registry for each algorithm: a key can never meet another one.
_REGISTRIES = {name: JWSRegistry(algorithms=[name], strict_check_header=False) for name in (ALGORITHM, RS256, PS256)}
_SIGNATURE_BYTES = {ALGORITHM: (64, 64), RS256: (256, 512), PS256: (256, 512)}

Key = ECKey | RSAKey
KeyFinder = Callable[[Mapping[str, Any], Mapping[str, Any]], Key]


class BadToken(Exception):
    """A token that must not be believed; the text is a fixed reason for developers."""


def new_key() -> ECKey:
    """Return a fresh P-256 key."""
    return ECKey.generate_key("P-256", private=True)


def new_rsa_key() -> RSAKey:
    """Return a fresh RSA key for RS256."""
    return RSAKey.generate_key(2048, {"alg": RS256}, private=True)


def algorithm_of(key: Key) -> str:
    """Return the one algorithm of a key; raises `BadToken` for a key we have none for."""
    if isinstance(key, ECKey):
        return ALGORITHM
    if key.alg not in (RS256, PS256):
        raise BadToken("a key without an algorithm")
    return key.alg


def sign(claims: Mapping[str, Any], key: Key, *, typ: str, header: Mapping[str, Any] | None = None) -> str:
    """Return a compact JWS of the claims, by the key's own algorithm."""
    algorithm = algorithm_of(key)
    return jws.serialize_compact(
        {"alg": algorithm, "typ": typ, **(header or {})},
        json.dumps(claims, separators=(",", ":")).encode(),
        key,
        registry=_REGISTRIES[algorithm],
    )


def verify(token: str, *, typ: frozenset[str | None], find_key: KeyFinder) -> dict[str, Any]:
    """Return the claims of a token with a true signature; raises `BadToken`.

    `find_key` chooses our own copy of a key by header and claims, which are
    not trusted yet; times and parties are the caller's to check.
    """
    header, claims = peek(token)
    _check_header(header, typ)
    key = find_key(header, claims)
    algorithm = algorithm_of(key)
    if header["alg"] != algorithm:
        raise BadToken(f"the algorithm of this key is {algorithm}")
    try:
        jws.deserialize_compact(token, key, registry=_REGISTRIES[algorithm])
    except (JoseError, ValueError):
        raise BadToken("the signature does not fit") from None
    return claims


def peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims unverified; raises `BadToken` for anything but a compact JWS."""
    if len(token) > LONGEST:
        raise BadToken("the token is too long")
    segments = token.split(".")
    if len(segments) != 3 or not all(_SEGMENT.fullmatch(each) for each in segments):
        raise BadToken("not a compact JWS with a signature")
    header, payload, signature = (_decode(each) for each in segments)
    opened = _object(header)
    least, most = _SIGNATURE_BYTES.get(str(opened.get("alg")), (64, 64))
    if not least <= len(signature) <= most:
        raise BadToken("not a signature of its algorithm")
    return opened, _object(payload)


def _check_header(header: Mapping[str, Any], typ: frozenset[str | None]) -> None:
    if header.get("alg") not in _REGISTRIES:
        raise BadToken("an algorithm we do not know")
    if header.get("typ") not in typ:
        raise BadToken("a token of another type")
    # We understand no extension, so any critical one is unknown (RFC 7515, 4.1.11).
    if "crit" in header or "b64" in header:
        raise BadToken("an unknown critical header")


def _decode(segment: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise BadToken("not base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise BadToken("not canonical base64url")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadToken("not JSON") from None
    if not isinstance(found, dict):
        raise BadToken("not a JSON object")
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadToken("a member twice")
    return found


def _no_constant(_: str) -> NoReturn:
    raise BadToken("not JSON")


def moment(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a NumericDate claim, None when absent; raises `BadToken` for anything else."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadToken(f"{name} is not a time")
    return float(value)
