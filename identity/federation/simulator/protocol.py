"""What the simulated province answers: OpenID Connect Core's code flow with PKCE, and each fault in its place."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey

from identity.federation.simulator.faults import Faults
from identity.federation.simulator.world import Known, World


@dataclass(frozen=True, slots=True)
class Said:
    """An answer before HTTP."""

    status: int
    body: str
    content_type: str = "application/json"
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a code stands for."""

    person: Known
    redirect_uri: str
    nonce: str
    challenge: str


class Province:
    """One provider: its key, its people, its open codes."""

    def __init__(self, issuer: str, world: World, faults: Faults) -> None:
        self.issuer, self.world, self.faults = issuer, world, faults
        self._key, self._foreign = (ECKey.generate_key("P-256", private=True) for _ in range(2))
        self._kid = self._key.thumbprint()
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Known] = {}

    def metadata(self) -> Said:
        """Return the discovery document."""
        return _json({
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        })  # fmt: skip

    def keys(self) -> Said:
        """Return the public key."""
        return _json({"keys": [{**self._key.as_dict(private=False), "kid": self._kid, "use": "sig", "alg": "ES256"}]})

    def ask(self, asked: Mapping[str, str]) -> Said:
        """Return the page on which a person says who they are."""
        if not self._asked_well(asked):
            return _page("<p>The request is not one of the registered client.</p>", 400)
        people = "".join(
            f'<p><button name="person" value="{html.escape(each.key)}">{html.escape(each.name)}</button></p>'
            for each in self.world.people.values()
        )
        kept = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        refuse = '<p><button name="person" value="">Refuse</button></p>'
        return _page(
            f'<h1>Simulated province</h1><form method="post" action="/authorize">{kept}{people}{refuse}</form>'
        )

    def decide(self, asked: Mapping[str, str]) -> Said:
        """Send the browser back with a code for the person chosen, or with a refusal."""
        person = self.world.people.get(asked.get("person", ""))
        if not self._asked_well(asked):
            return _page("<p>The request is not one of the registered client.</p>", 400)
        answer = {"state": asked.get("state", "")} | self._named()
        if person is None or self.faults.met("refuse"):
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_urlsafe(24)
            self._codes[answer["code"]] = Code(
                person=person,
                redirect_uri=asked["redirect_uri"],
                nonce=asked.get("nonce", ""),
                challenge=asked["code_challenge"],
            )
        return Said(303, "", location=f"{asked['redirect_uri']}?{urlencode(answer)}")

    def redeem(self, asked: Mapping[str, str], authorization: str) -> Said:
        """Give tokens for a code, once."""
        if self.faults.met("garble"):
            return Said(200, "<html>a gateway's page</html>", "text/html")
        credentials = base64.b64encode(f"{self.world.client_id}:{self.world.client_secret}".encode()).decode()
        if not hmac.compare_digest(authorization, f"Basic {credentials}"):
            return _json({"error": "invalid_client"}, 401)
        code = self._codes.pop(asked.get("code", ""), None)
        if code is None or code.redirect_uri != asked.get("redirect_uri") or not _fits(code, asked):
            return _json({"error": "invalid_grant"}, 400)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = code.person
        body = {"access_token": token, "token_type": "Bearer", "expires_in": 300}
        return _json(body if self.faults.met("no_id_token") else body | {"id_token": self._id_token(code)})

    def about(self, authorization: str) -> Said:
        """Return who a token is about, with the ID number the province has proven."""
        person = self._tokens.get(authorization.removeprefix("Bearer "))
        if person is None:
            return _json({"error": "invalid_token"}, 401)
        subject = "js-somebody-else" if self.faults.met("another_subject") else person.subject
        return _json({"sub": subject, "name": person.name, "resident_id": person.resident_id})

    def _named(self) -> dict[str, str]:
        if self.faults.met("no_issuer_named"):
            return {}
        return {"iss": "https://another.example" if self.faults.met("mixed_up") else self.issuer}

    def _asked_well(self, asked: Mapping[str, str]) -> bool:
        back = urlsplit(asked.get("redirect_uri", ""))
        ours = (
            back.hostname in self.world.hosts
            and back.path.startswith("/login/with/")
            and back.path.endswith("/callback")
        )
        wanted = {"client_id": self.world.client_id, "response_type": "code", "code_challenge_method": "S256"}
        return ours and "code_challenge" in asked and all(asked.get(name) == value for name, value in wanted.items())

    def _id_token(self, code: Code) -> str:
        met, present = self.faults.met, int(time.time())
        issued = present + 3600 if met("from_the_future") else present
        claims: dict[str, object] = {
            "iss": "https://another.example" if met("wrong_issuer") else self.issuer,
            "sub": code.person.subject,
            "aud": self.world.client_id,
            "nonce": "another" if met("wrong_nonce") else code.nonce,
            "iat": issued,
            "exp": present - 60 if met("expired") else issued + 300,
        }
        if met("wrong_audience"):
            claims["aud"] = "another-client"
        if met("borrowed_audience"):
            claims |= {"aud": "another-client", "azp": self.world.client_id}
        key = self._foreign if met("foreign_key") else self._key
        signed = jws.serialize_compact({"alg": "ES256", "kid": self._kid}, json.dumps(claims).encode(), key)
        return _unsigned(claims) if met("no_signature") else signed


def _unsigned(claims: Mapping[str, object]) -> str:
    head, body = (base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode()
                  for each in ({"alg": "none"}, claims))  # fmt: skip
    return f"{head}.{body}."


def _fits(code: Code, asked: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == code.challenge


def _json(body: Mapping[str, object], status: int = 200) -> Said:
    return Said(status, json.dumps(body, ensure_ascii=False))


def _page(inside: str, status: int = 200) -> Said:
    page = f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>省统一身份认证（模拟）</title></head><body><main>{inside}</main></body></html>'  # noqa: E501
    return Said(status, page, "text/html")
