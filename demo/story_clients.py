"""What a till and a phone are in the story: HTTP clients that know the API and their own secrets, nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from joserfc import jws, jwt
from joserfc.jwk import ECKey

Json = dict[str, Any]


class Unexpected(Exception):
    """The city answered otherwise than the story tells."""


def expect(answer: httpx.Response, *statuses: int) -> Json:
    """Return the JSON of an answer; raises `Unexpected` with what came instead."""
    if answer.status_code not in statuses:
        wanted = " or ".join(map(str, statuses))
        raise Unexpected(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}, not {wanted}: "
                         f"{answer.text[:400]}")  # fmt: skip
    found: Json = answer.json()
    return found


class Till:
    """A pharmacy's terminal: a key of its own, tokens by `private_key_jwt`, signed liveness statements."""

    def __init__(self, base_url: str, known: Mapping[str, Any]) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=20, trust_env=False, headers={"Accept-Language": "en"})
        self.base_url, self.known = base_url, known
        self.key = ECKey.import_key(dict(known["private_jwk"]))
        self._tokens: dict[str, str] = {}

    def sign_in(self, resource: str) -> Json:
        """Get a token for one resource."""
        found = expect(
            self.http.post(
                "/oauth2/token",
                data={
                    "grant_type": "client_credentials",
                    "resource": resource,
                    "client_id": self.known["client_id"],
                    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    "client_assertion": self._assertion(),
                },
            ),
            200,
        )
        self._tokens[resource] = found["access_token"]
        return found

    def send(self, method: str, path: str, body: Json | None = None, *, key: str | None = None) -> httpx.Response:
        """Send a request under the token that the path wants."""
        resource = f"{self.base_url}/api/health" if path.startswith("/api/health") else self.base_url
        headers = {"Authorization": f"Bearer {self._tokens[resource]}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.http.request(method, path, json=body, headers=headers)

    def open_session(self, **more: Any) -> Json:
        """Open a presence session for a purchase."""
        return expect(self.send("POST", "/api/presence/sessions", {"purpose": "health:purchase", **more}), 201)

    def evidence(self, session: Json, frames: Sequence[bytes], tail: str, *, statement: str | None = None) -> Json:
        """Return the evidence of one session: claim, pictures, signed statement."""
        return {
            "method": "face",
            "claim": {"phone_tail4": tail},
            "frames": [base64.b64encode(frame).decode() for frame in frames],
            "liveness": statement or self.statement(session, frames),
        }

    def statement(self, session: Json, frames: Sequence[bytes]) -> str:
        """Sign that the (simulated) certified camera saw a living person."""
        claims = {
            "session": session["id"], "nonce": session["nonce"], "purpose": session["purpose"],
            "frames": [hashlib.sha256(frame).hexdigest() for frame in frames],
            "level": "simulated", "camera": "demo-camera", "iat": int(time.time()),
        }  # fmt: skip
        header = {"alg": "ES256", "typ": "suxin-liveness+jwt"}
        return jws.serialize_compact(header, json.dumps(claims).encode(), self.key)

    def show(self, session: Json, body: Json) -> httpx.Response:
        """Send evidence."""
        return self.send("POST", f"/api/presence/sessions/{session['id']}/evidence", body)

    def _assertion(self) -> str:
        issued, me = int(time.time()), self.known["client_id"]
        claims = {
            "iss": me, "sub": me, "aud": self.base_url, "iat": issued, "exp": issued + 50,
            "jti": secrets.token_urlsafe(16),
        }  # fmt: skip
        return jwt.encode({"alg": "ES256"}, claims, self.key)


class Phone:
    """A citizen's app: authorization code with PKCE through the city's plain HTML forms."""

    def __init__(self, base_url: str, client: Mapping[str, Any], person: Mapping[str, Any]) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=20, trust_env=False, headers={"Accept-Language": "en"})
        self.base_url, self.client, self.person = base_url, client, person
        self._tokens: dict[str, str] = {}

    def log_in(self, resource: str) -> Json:
        """Log in (once per browser), consent, and redeem the code for one resource."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(12)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        redirect_uri = self.client["redirect_uris"][0]
        answer = self.http.get(
            "/oauth2/authorize",
            params={
                "response_type": "code", "client_id": self.client["client_id"], "redirect_uri": redirect_uri,
                "scope": self.client["scopes"][resource], "resource": resource, "state": state,
                "nonce": secrets.token_urlsafe(12), "code_challenge": challenge, "code_challenge_method": "S256",
            },
        )  # fmt: skip
        code = self._through_the_forms(answer, redirect_uri, state)
        found = expect(
            self.http.post(
                "/oauth2/token",
                data={
                    "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
                    "client_id": self.client["client_id"], "code_verifier": verifier, "resource": resource,
                },
            ),
            200,
        )  # fmt: skip
        self._tokens[resource] = found["access_token"]
        return found

    def get(self, path: str) -> Json:
        """Read one's own data."""
        resource = f"{self.base_url}/api/health" if path.startswith("/api/health") else self.base_url
        return expect(self.http.get(path, headers={"Authorization": f"Bearer {self._tokens[resource]}"}), 200)

    def _through_the_forms(self, answer: httpx.Response, redirect_uri: str, state: str) -> str:
        for _ in range(8):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["Location"])
                if target.startswith(redirect_uri):
                    return _code(target, state)
                answer = self.http.get(target)
            elif answer.status_code == 200:
                answer = self._submit(answer)
            else:
                break
        raise Unexpected(f"the log-in pages end at {answer.url.path} with {answer.status_code}")

    def _submit(self, page: httpx.Response) -> httpx.Response:
        form = _Form()
        form.feed(page.text)
        values = dict(form.hidden)
        if "password" in form.named:
            values |= {"login_name": self.person["login_name"], "password": self.person["password"]}
        elif form.approve is not None:
            values |= dict([form.approve])
        else:
            raise Unexpected(f"{page.url.path} shows no form to log in or to consent")
        return self.http.post(urljoin(str(page.url), form.action), data=values)


def _code(target: str, state: str) -> str:
    said = parse_qs(urlsplit(target).query)
    if said.get("state") != [state] or "code" not in said:
        raise Unexpected(f"the log-in came back with {said.get('error', ['no code'])[0]}")
    return said["code"][0]


class _Form(HTMLParser):
    """The form inside <main>: its address, hidden fields, names, and the button that agrees."""

    def __init__(self) -> None:
        super().__init__()
        self.action, self.hidden, self.named = "", {}, set[str]()  # type: ignore[var-annotated]
        self.approve: tuple[str, str] | None = None
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what belongs to the log-in or consent form."""
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("action", "").split("?")[0] in ("/login", "/oauth2/authorize")
            self.action = said["action"] if self._inside else self.action
        elif self._inside and said.get("name"):
            self.named.add(said["name"])
            if said.get("type") == "hidden":
                self.hidden[said["name"]] = said.get("value", "")
            elif said.get("value") == "approve":
                self.approve = (said["name"], "approve")

    def handle_endtag(self, tag: str) -> None:
        """Leave the form."""
        if tag == "form":
            self._inside = False
