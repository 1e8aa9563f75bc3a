"""The city as an OpenID Connect client (Core, 3.1): Authlib discovers, redeems and checks; we close its gaps."""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from flask import current_app
from joserfc.errors import JoseError

from identity.federation.errors import AnswerNotTrusted, ProviderSilent
from identity.federation.providers import Provider

_TIMEOUT = httpx.Timeout(5.0, connect=2.0)
_CLOCK_SKEW_SECONDS = 10
_DOCUMENT_SECONDS = 300
# Never what a document says alone: no `none`, nothing symmetric.
_ALGORITHMS = ("ES256", "ES384", "RS256", "PS256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A log-in under way: what only this browser may know until it comes back."""

    state: str
    nonce: str
    verifier: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Whom the provider names: its own id of the person, and the ID number it has proven."""

    subject: str
    id_number: str | None


class Outside(OpenIDMixin):  # type: ignore[misc]
    """One provider, spoken to over one connection; use it as a context manager."""

    def __init__(self, provider: Provider) -> None:
        self.provider, self.client_id = provider, provider.client_id
        self.server_metadata: dict[str, Any] = {}
        self._http = httpx.Client(timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> Outside:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def begin(self) -> Begun:
        """Return where to send the browser, with fresh state, nonce and PKCE verifier; raises `ProviderSilent`."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        address, _ = self._oauth().create_authorization_url(
            self.load_server_metadata()["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
        return Begun(state=state, nonce=nonce, verifier=verifier, address=address)

    def check_issuer(self, named: str | None) -> None:
        """Refuse an answer of another issuer (RFC 9207, 2.4); raises `AnswerNotTrusted`."""
        promised = self.load_server_metadata().get("authorization_response_iss_parameter_supported") is True
        if (named is not None or promised) and named != self.provider.issuer:
            raise AnswerNotTrusted

    def redeem(self, code: str, *, nonce: str, verifier: str) -> Proven:
        """Return whom a code stands for; raises `ProviderSilent` or `AnswerNotTrusted`."""
        try:
            token = self._oauth().fetch_token(
                self.load_server_metadata()["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
            )
            claims = self.parse_id_token(token, nonce, claims_options=self._wanted(), leeway=_CLOCK_SKEW_SECONDS)
            return self._proven(claims, token)
        except httpx.HTTPError:
            raise ProviderSilent from None
        # ValueError: neither JSON nor keys; TypeError, KeyError: not the shape of an answer.
        except (OAuth2Error, JoseError, ValueError, TypeError, KeyError):
            raise AnswerNotTrusted from None

    def load_server_metadata(self) -> Mapping[str, Any]:
        """Return the provider's metadata, checked by Authlib and against what we registered."""
        if not self.server_metadata:
            read_at, found = _documents().get(self.provider.issuer, (0.0, {}))
            if not found or time.monotonic() - read_at > _DOCUMENT_SECONDS:
                read_at, found = time.monotonic(), self._discovered()
                _documents()[self.provider.issuer] = read_at, found
            self.server_metadata = found
        return self.server_metadata

    def _discovered(self) -> dict[str, Any]:
        try:
            answer = self._http.get(get_well_known_url(self.provider.issuer, external=True)).raise_for_status()
            found = OpenIDProviderMetadata(answer.json())
            # Discovery, 4.3: a document of another issuer would let it speak for this one.
            if found.get("issuer") != self.provider.issuer:
                raise ProviderSilent
            found.validate_jwks_uri()
        except (httpx.HTTPError, ValueError, TypeError):
            raise ProviderSilent from None
        algorithms = [each for each in found.get("id_token_signing_alg_values_supported", ()) if each in _ALGORITHMS]
        return {**found, "id_token_signing_alg_values_supported": algorithms}

    def _wanted(self) -> dict[str, Any]:
        # Authlib checks `azp` only: a token for another client that names us there would pass (Core, 3.1.3.7).
        return {
            "iss": {"essential": True, "values": [self.provider.issuer]},
            "aud": {"essential": True, "values": [self.client_id]},
        }

    def _proven(self, claims: Mapping[str, Any] | None, token: Mapping[str, Any]) -> Proven:
        subject = (claims or {}).get("sub")
        if claims is None or not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise AnswerNotTrusted
        number = self._about(claims, token).get(self.provider.id_number_claim)
        return Proven(subject=subject, id_number=number if isinstance(number, str) else None)

    def _about(self, claims: Mapping[str, Any], token: Mapping[str, Any]) -> Mapping[str, Any]:
        address = self.load_server_metadata().get("userinfo_endpoint")
        if address is None:
            return claims
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        said = self._http.get(address, headers=bearer).raise_for_status().json()
        # Core, 5.3.2: a userinfo answer about somebody else must not be used.
        if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
            raise AnswerNotTrusted
        return said

    def _get_session(self) -> Any:
        return _Session(self._http)

    def _oauth(self) -> Any:
        return _OAuth(
            self._http,
            client_id=self.client_id,
            client_secret=self.provider.client_secret,
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106
            redirect_uri=self.provider.redirect_uri,
            scope=self.provider.scope,
            code_challenge_method="S256",
        )


def _documents() -> dict[str, tuple[float, dict[str, Any]]]:
    held: dict[str, tuple[float, dict[str, Any]]] = current_app.extensions.setdefault("identity.outside", {})
    return held


class _Auth(ClientAuth, httpx.Auth):  # type: ignore[misc]
    """Authlib's client authentication, applied to httpx's requests."""

    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        url, headers, body = self.prepare(request.method, str(request.url), dict(request.headers), request.content)
        headers.pop("content-length", None)
        # The extensions carry the time limit: a request built anew would wait for ever.
        yield httpx.Request(request.method, url, headers=headers, content=body, extensions=request.extensions)


class _OAuth(OAuth2Client):  # type: ignore[misc]
    client_auth_class = _Auth


class _Session:
    """httpx as Authlib's mixin wants it, kept open for the rest of the log-in."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def request(self, method: str, url: str, *, withhold_token: bool) -> httpx.Response:
        """Send a request without a token; keys are public."""
        return self._http.request(method, url)
