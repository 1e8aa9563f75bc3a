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
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

ALGORITHM = "ES256"
LONGEST = 8192
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_REGISTRY = JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)

KeyFinder = Callable[[Mapping[str, Any], Mapping[str, Any]], ECKey]


class BadToken(Exception):
    """A token that must not be believed; the text is a fixed reason for developers."""


def new_key() -> ECKey:
    """Return a fresh P-256 key."""
    return ECKey.generate_key("P-256", private=True)


def sign(claims: Mapping[str, Any], key: ECKey, *, typ: str, header: Mapping[str, Any] | None = None) -> str:
    """Return a compact JWS of the claims."""
    return jws.serialize_compact(
        {"alg": ALGORITHM, "typ": typ, **(header or {})},
        json.dumps(claims, separators=(",", ":")).encode(),
        key,
        registry=_REGISTRY,
    )


def verify(token: str, *, typ: frozenset[str | None], find_key: KeyFinder) -> dict[str, Any]:
    """Return the claims of a token with a true signature; raises `BadToken`.

    `find_key` chooses our own copy of a key by header and claims, which are
    not trusted yet; times and parties are the caller's to check.
    """
    header, claims = peek(token)
    _check_header(header, typ)
    key = find_key(header, claims)
    try:
        jws.deserialize_compact(token, key, registry=_REGISTRY)
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
    if len(signature) != 64:
        raise BadToken("not an ES256 signature")
    return _object(header), _object(payload)


def _check_header(header: Mapping[str, Any], typ: frozenset[str | None]) -> None:
    if header.get("alg") != ALGORITHM:
        raise BadToken("the algorithm of this key is ES256")
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
