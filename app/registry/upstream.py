"""The signed word about the caller that an out-of-process plugin receives, and how it checks it.

`verify` needs joserfc alone, so a plugin of another process may copy this file.
"""

from __future__ import annotations

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

HEADER = "X-Suxin-Principal"
_ALGORITHMS = ["Ed25519"]


class NotFromSuxin(Exception):
    """The header is missing, changed, too old, or meant for another plugin or call."""


def sign(claims: dict[str, Any], key: OKPKey) -> str:
    """Return the header's value for claims."""
    return jwt.encode({"alg": _ALGORITHMS[0], "typ": "suxin-principal+jwt"}, claims, key, algorithms=_ALGORITHMS)


def verify(header: str | None, *, public_key: dict[str, str], plugin: str, method: str, path: str) -> dict[str, Any]:
    """Return who calls, as Suxin checked it; raises `NotFromSuxin`.

    `public_key` is the JWK that `suxin plugin key <name>` prints; `method` and
    `path` are those of the request at hand, so a header serves no other call.
    """
    try:
        token = jwt.decode(header or "", OKPKey.import_key(dict(public_key)), algorithms=_ALGORITHMS)
        claims: dict[str, Any] = dict(token.claims)
        essential = jwt.JWTClaimsRegistry(aud={"essential": True, "value": plugin}, exp={"essential": True}, leeway=5)
        essential.validate(claims)
    except (JoseError, ValueError) as error:
        raise NotFromSuxin("the header does not verify") from error
    if (claims.get("method"), claims.get("path")) != (method, path):
        raise NotFromSuxin("the header was made for another call")
    return claims
