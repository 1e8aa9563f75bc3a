"""The flows of a client, for any server that speaks the standards: what is sent, and what a right answer is."""

from __future__ import annotations

import base64
import http.client
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from benchmarks import load, measure
from benchmarks.client import Answer, request_bytes
from benchmarks.identity.signing import Signer
from benchmarks.world import Server

ISSUER = "http://127.0.0.1:8000"
REDIRECT = "http://127.0.0.1:8765/callback"
VERIFIER = "benchmark-verifier-benchmark-verifier-benchmark"
FAPI, PLAIN, SECRET = "bench-fapi", "bench-plain", "bench-secret-of-a-length-that-is-usual"
SCOPE = "openid profile offline_access"
HELD = 32
# An open loop on a loaded machine may have many refreshes under way, each with a token of its own.
WAITING = 128


@dataclass(slots=True)
class Party:
    """One authorization server under load, with the codes prepared for it."""

    name: str
    server: Server
    store: int
    paths: dict[str, str]
    signer: Signer
    codes: dict[str, deque[str]]
    credentials_scope: str
    nonce: str = ""
    tokens: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def address(self, endpoint: str) -> str:
        """Return the full address of an endpoint, as proofs name it."""
        return ISSUER + self.paths[endpoint]

    def code(self, client: str) -> str:
        """Return a code that nobody used."""
        if not self.codes[client]:
            raise RuntimeError(f"{self.name}: too few codes were prepared for {client}")
        return self.codes[client].popleft()

    def learn_nonce(self) -> None:
        """Ask once without a nonce: the answer brings one (RFC 9449, 8)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target.port)
        headers = {"Host": ISSUER.removeprefix("http://"), "Content-Type": "application/x-www-form-urlencoded"}
        headers["DPoP"] = self.signer.proof("POST", self.address("token"), "none")
        form = {"grant_type": "refresh_token", "refresh_token": "none", **_assertion(self)}
        connection.request("POST", self.paths["token"], urlencode(form), headers)
        answer = connection.getresponse()
        answer.read()
        self.nonce = answer.headers["DPoP-Nonce"]
        connection.close()


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests one after another, and the check of their answers."""

    request: load.Request
    check: load.Check


def exchange_fapi(party: Party) -> Flow:
    """Redeem a fresh code each time, by assertion and proof."""
    party.learn_nonce()
    return Flow(lambda _: _fapi_post(party, {**_code_form(party, FAPI)}), _has(b'"id_token"'))


def refresh_fapi(party: Party) -> Flow:
    """Refresh by assertion and proof; the refresh tokens stay, their key holds them."""
    party.learn_nonce()
    kept = held(party, FAPI)

    def request(number: int) -> bytes:
        token = kept[number % len(kept)]["refresh_token"]
        return _fapi_post(party, {"grant_type": "refresh_token", "refresh_token": token, "scope": SCOPE})

    return Flow(request, _has(b'"access_token"'))


def userinfo(party: Party) -> Flow:
    """Read userinfo with a token bound to a key, a fresh proof each time."""
    party.learn_nonce()
    kept = held(party, FAPI)

    def request(number: int) -> bytes:
        token = kept[number % len(kept)]["access_token"]
        proof = party.signer.proof("GET", party.address("userinfo"), party.nonce, token)
        return sent("GET", party.paths["userinfo"], {"Authorization": f"DPoP {token}", "DPoP": proof})

    return Flow(request, _has(b'"sub"'))


def credentials(party: Party) -> Flow:
    """Get a signed token for the client itself."""
    form = {"grant_type": "client_credentials", "scope": party.credentials_scope}
    return Flow(lambda _: _plain_post(party, "token", form), _has(b'"access_token":"eyJ'))


def exchange_plain(party: Party) -> Flow:
    """Redeem a fresh code each time, by a secret."""
    return Flow(lambda _: _plain_post(party, "token", _code_form(party, PLAIN)), _has(b'"id_token"'))


def refresh_plain(party: Party) -> Flow:
    """Refresh with rotation: each answer brings the next token."""
    waiting = deque(each["refresh_token"] for each in held(party, PLAIN, WAITING))

    def request(_: int) -> bytes:
        return _plain_post(party, "token", {"grant_type": "refresh_token", "refresh_token": waiting.popleft()})

    def check(_: int, answer: Answer) -> bool:
        if answer.status != 200:
            return False
        following = json.loads(answer.body)["refresh_token"]
        waiting.append(following)
        return True

    return Flow(request, check)


def introspect(party: Party) -> Flow:
    """Introspect one's own tokens."""
    kept = held(party, PLAIN)

    def request(number: int) -> bytes:
        return _plain_post(party, "introspect", {"token": kept[number % len(kept)]["access_token"]})

    return Flow(request, _has(b'"active":true'))


FLOWS: dict[str, Callable[[Party], Flow]] = {
    "code exchange, private_key_jwt and DPoP": exchange_fapi,
    "refresh, private_key_jwt and DPoP": refresh_fapi,
    "userinfo, DPoP": userinfo,
    "client_credentials, JWT": credentials,
    "refresh, rotated": refresh_plain,
    "introspection": introspect,
    "code exchange, client_secret_basic": exchange_plain,
}


def held(party: Party, client: str, number: int = HELD) -> list[dict[str, str]]:
    """Return some tokens of a client, got by codes; tokens live five minutes, so each flow takes new ones."""
    flow = exchange_fapi(party) if client == FAPI else exchange_plain(party)
    return [_answered(party, flow.request(place)) for place in range(number)]


def _answered(party: Party, request: bytes) -> dict[str, str]:
    answer = measure.fetch(party.server, request)
    if answer.status != 200:
        raise RuntimeError(f"{party.name}: {answer.status} {answer.body[:500]!r}")
    found: dict[str, str] = json.loads(answer.body)
    return found


def _code_form(party: Party, client: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code", "code": party.code(client), "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }  # fmt: skip


def _fapi_post(party: Party, form: dict[str, str]) -> bytes:
    proof = party.signer.proof("POST", party.address("token"), party.nonce)
    return sent("POST", party.paths["token"], {"DPoP": proof}, {**form, **_assertion(party)})


def _assertion(party: Party) -> dict[str, str]:
    return {
        "client_id": FAPI, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": party.signer.assertion(FAPI, ISSUER),
    }  # fmt: skip


def _plain_post(party: Party, endpoint: str, form: dict[str, str]) -> bytes:
    return sent("POST", party.paths[endpoint], {"Authorization": f"Basic {BASIC}"}, form)


BASIC = base64.b64encode(f"{PLAIN}:{SECRET}".encode()).decode()


def sent(method: str, path: str, headers: dict[str, str], form: dict[str, str] | None = None) -> bytes:
    """Return one request to the issuer's own host, as a proof names it."""
    said = {"Host": ISSUER.removeprefix("http://"), **headers}
    if form is None:
        return request_bytes(method, path, said)
    said["Content-Type"] = "application/x-www-form-urlencoded"
    return request_bytes(method, path, said, urlencode(form).encode())


def _has(part: bytes) -> load.Check:
    return lambda _, answer: answer.status == 200 and part in answer.body
