"""Client assertions (private_key_jwt; RFC 7523, 3; FAPI 2.0, 5.3.2.1): the client signs with a key we know."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from identity.oidc import jose
from identity.oidc.replay import Once
from identity.oidc.settings import ASSERTION_SECONDS, CLOCK_SKEW_SECONDS, OLDER_ASSERTION_SECONDS, endpoint, issuer

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TYPES: frozenset[str | None] = frozenset({None, "JWT", "client-authentication+jwt"})

Keys = Mapping[str, jose.Key]


def subject_of(assertion: str) -> str:
    """Return the client an assertion claims to be of, unverified; raises `jose.BadToken`."""
    sub = jose.peek(assertion)[1].get("sub")
    if not isinstance(sub, str) or not 1 <= len(sub) <= 40:
        raise jose.BadToken("sub must be the client id")
    return sub


def verified(assertion: str, client_id: str, keys: Keys, *, strict: bool) -> Once:
    """Check an assertion against the client's keys by `kid`; raises `jose.BadToken`.

    `strict`: `aud` is the issuer as one string, and the assertion lives a minute. Returns what makes it
    single-use; the caller must remember that before it believes anything.
    """
    claims = jose.verify(assertion, typ=_TYPES, find_key=_chosen(keys))
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise jose.BadToken("iss and sub must both be the client id")
    _check_audience(claims.get("aud"), strict=strict)
    return Once("assertion", (client_id, _jti(claims)), _check_times(claims, strict=strict))


def _chosen(keys: Keys) -> Callable[[Mapping[str, Any], Mapping[str, Any]], jose.Key]:
    def find(header: Mapping[str, Any], _: Mapping[str, Any]) -> jose.Key:
        kid = header.get("kid")
        # A client with one key need not name it.
        if kid is None and len(keys) == 1:
            return next(iter(keys.values()))
        if not isinstance(kid, str) or kid not in keys:
            raise jose.BadToken("kid names no key of this client")
        return keys[kid]

    return find


def _check_audience(aud: object, *, strict: bool) -> None:
    if aud == issuer():
        return
    if strict:
        raise jose.BadToken("aud must be the issuer, as a single string")
    # OpenID Connect Core, 9 lets older libraries name the token endpoint, also in an array.
    named = aud if isinstance(aud, list) else [aud]
    if len(named) != 1 or named[0] not in (issuer(), endpoint("token")):
        raise jose.BadToken("aud must be the issuer")


def _check_times(claims: Mapping[str, Any], *, strict: bool) -> datetime:
    present = time.time()
    issued, begins, expires = (jose.moment(claims, name) for name in ("iat", "nbf", "exp"))
    if expires is None or expires <= present:
        raise jose.BadToken("the assertion has expired, or exp is missing")
    _check_lifetime(expires - present, strict=strict)
    if issued is None or issued < present - ASSERTION_SECONDS - CLOCK_SKEW_SECONDS:
        raise jose.BadToken("iat is missing or too old")
    if max(issued or 0, begins or 0) > present + CLOCK_SKEW_SECONDS:
        raise jose.BadToken("iat or nbf lies in the future: check the clock")
    return datetime.fromtimestamp(expires, UTC)


def _check_lifetime(left: float, *, strict: bool) -> None:
    # Authlib and others sign for an hour ahead; `iat` must be fresh all the same.
    longest = ASSERTION_SECONDS if strict else OLDER_ASSERTION_SECONDS
    if left > longest + CLOCK_SKEW_SECONDS:
        raise jose.BadToken(f"exp may lie at most {longest} seconds ahead")


def _jti(claims: Mapping[str, Any]) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 8 <= len(jti) <= 128:
        raise jose.BadToken("jti must be a text of 8 to 128 signs")
    return jti
