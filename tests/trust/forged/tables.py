"""The forgeries, as rows by kind; each row makes one false credential from true ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.db import unit_of_work
from identity.oidc import jose, keys
from tests.api.identity import (
    fapi,
    test_access_token,
    test_dpop,
    test_fapi2_security_profile,
    test_terminal_token,
    world,
)
from tests.trust.forged.victims import Victims

Make = Callable[[Victims], str]

ACCESS_TOKENS: dict[str, Make] = {
    name: (lambda v, forge=forge: forge(v.bearer)) for name, forge in test_access_token.WRONG.items()
} | {
    "bound, shown as bearer": lambda v: v.bound,
    "signed by our RSA key": lambda v: _by_rsa(v.bearer),
    "a refresh token": lambda v: fapi.tokens(v.client, v.plain, v.citizen)["refresh_token"] + "x",
    "an ID token of ours": lambda v: v.hint,
}

TERMINAL_ASSERTIONS: dict[str, Make] = {
    name: (lambda v, forge=forge: forge(v.terminal)) for name, forge in test_terminal_token.FORGERIES.items()
} | {
    name: (lambda v, changes=changes: world.assertion(v.terminal, **changes()))
    for name, changes in test_terminal_token.CLAIMS.items()
}
CLIENT_ASSERTIONS: dict[str, Make] = {
    name: (lambda v, make=make: make(v.bank)) for name, make in test_fapi2_security_profile.WRONG_ASSERTIONS.items()
} | {
    f"aud {aud}": (lambda v, aud=aud: fapi.assertion(v.bank, aud=aud))
    for aud in ([world.ISSUER], f"{world.ISSUER}/oauth2/token", f"{world.ISSUER}/oauth2/par", "https://evil.test", "")
}  # type: ignore[misc]
PROOFS = test_dpop.WRONG
RESOURCE_PROOFS = test_dpop.WRONG | test_dpop.AT_RESOURCE

HINTS: dict[str, Make] = {
    "an access token": lambda v: v.bearer,
    "of another client": lambda v: fapi.tokens(v.client, v.bank, v.citizen)["id_token"],
    "other issuer": lambda v: _changed(v.hint, iss="https://evil.test"),
    "other audience": lambda v: _changed(v.hint, aud="client_other"),
    "audience as array": lambda v: _changed(v.hint, aud=[v.plain.id]),
    "no sub": lambda v: _changed(v.hint, sub=None),
    "sub is a number": lambda v: _changed(v.hint, sub=1),
    "stranger's key": lambda v: test_access_token.resigned(v.hint, key=jose.new_key()),
    "stranger's key in jwk": lambda v: test_access_token._own_jwk(v.hint),
    "no kid": lambda v: test_access_token.resigned(v.hint, header={"kid": None}),
    "payload changed": lambda v: test_access_token._with_payload(v.hint, sub="sub_other"),
    "signature stripped": lambda v: v.hint.rpartition(".")[0] + ".",
    "words": lambda v: "let me in",
    **{
        f"alg {alg}": (lambda v, alg=alg: test_terminal_token.forged(jose.peek(v.hint)[1], {"alg": alg, "typ": "JWT"}))
        for alg in ("none", "None", "NONE", "nOnE", "HS256")
    },
}  # type: ignore[misc]

REDIRECTS = [
    "https://evil.test", world.CALLBACK + "/", world.CALLBACK + "?x=1", world.CALLBACK + "#f", world.CALLBACK + "%00",
    world.CALLBACK + "/..;/", world.CALLBACK + "/../evil", world.CALLBACK.replace("8765", "1"),
    world.CALLBACK.replace("127.0.0.1", "localhost"), world.CALLBACK.replace("127.0.0.1", "[::1]"),
    world.CALLBACK.replace("127.0.0.1", "127.1"), world.CALLBACK.replace("127.0.0.1", "2130706433"),
    world.CALLBACK.replace("http:", "https:"), world.CALLBACK.replace("127.0.0.1", "127.0.0.1@evil.test"),
    world.CALLBACK.replace("127.0.0.1:8765", "127.0.0.1:8765@evil.test"),
    world.CALLBACK.replace("http://", "http://a@b@c@"), world.CALLBACK.replace("127.0.0.1", "127.0.0.1.evil.test"),
    world.CALLBACK.upper(), world.CALLBACK + " ", " " + world.CALLBACK, "//evil.test", "javascript:alert(1)",
    "data:text/html,x", "/callback", "http:///evil.test", "http:\\\\evil.test",
    world.CALLBACK.replace("callback", "c%61llback"),
]  # fmt: skip


def _by_rsa(token: str) -> str:
    with unit_of_work():
        kid, key = keys.active("RS256")
    return jose.sign(jose.peek(token)[1], key, typ="at+jwt", header={"kid": kid})


def _changed(token: str, **changes: Any) -> str:
    return test_access_token.resigned(token, **changes)
