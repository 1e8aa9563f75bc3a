"""The authorization endpoint: check the request, then log-in, consent, and one code."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from flask import redirect, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import audit
from app.db import add, now, session
from identity import pages
from identity.oidc import clients, forms
from identity.oidc.access import Access, asked_access
from identity.oidc.errors import OAuthError
from identity.oidc.grants.authorization_code import code_hash
from identity.oidc.models import AuthorizationCode, AuthorizationGrant, Client
from identity.oidc.settings import CODE_SECONDS, issuer
from identity.sessions import browser
from identity.sessions.service import Live

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A checked authorization request."""

    client: Client
    redirect_uri: str
    access: dict[str, list[str]]
    code_challenge: str
    state: str | None
    nonce: str | None
    prompt: frozenset[str]
    max_age: int | None


class Turned(Exception):
    """A refusal that goes back to the client, whose redirect URI is checked by now."""

    def __init__(self, redirect_uri: str, error: str, state: str | None) -> None:
        super().__init__(error)
        self.redirect_uri = redirect_uri
        self.error = error
        self.state = state


def begin(query: str) -> Response:
    """Answer an authorization request: log-in, consent page, or a code already consented to."""
    try:
        asked = _checked(forms.parse(query))
        live = browser.live_session(request)
        if live is None or _stale(live, asked):
            return _to_log_in(query, asked)
        if _consented(live, asked):
            return _with_code(live, asked)
        if "none" in asked.prompt:
            raise Turned(asked.redirect_uri, "consent_required", asked.state)
        return pages.consent(asked.client, asked.access, query)
    except Turned as turned:
        return _back(turned.redirect_uri, {"error": turned.error}, turned.state)
    except OAuthError as error:
        return pages.refusal(error)


def decide() -> Response:
    """Answer the consent form; the request in it is checked all over again."""
    try:
        params = forms.form(request)
        browser.check_form(request, params.get(browser.CSRF_FIELD, ""))
        asked = _checked(forms.parse(params.get("request", "")))
        live = browser.live_session(request)
        if live is None or _stale(live, asked):
            return _to_log_in(params.get("request", ""), asked)
        if params.get("decision") != "approve":
            raise Turned(asked.redirect_uri, "access_denied", asked.state)
        return _with_code(live, asked)
    except Turned as turned:
        return _back(turned.redirect_uri, {"error": turned.error}, turned.state)
    except OAuthError as error:
        return pages.refusal(error)


def _checked(params: dict[str, str]) -> Asked:
    """Check client and redirect URI first: until both are known, nothing is sent anywhere."""
    client = clients.public_client(forms.needed(params, "client_id")).client
    if client is None:
        raise OAuthError("invalid_client", "this client cannot log people in")
    redirect_uri = forms.needed(params, "redirect_uri")
    if redirect_uri not in client.redirect_uris:
        raise OAuthError("invalid_request", "redirect_uri is not registered, sign by sign, for this client")
    try:
        return _rest(client, redirect_uri, params)
    except OAuthError as error:
        raise Turned(redirect_uri, error.error, params.get("state")) from None


def _rest(client: Client, redirect_uri: str, params: dict[str, str]) -> Asked:
    if params.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "only code is offered")
    if "request" in params or "request_uri" in params:
        raise OAuthError("request_not_supported", "send plain parameters")
    if params.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "only response_mode query is offered")
    return Asked(
        client=client,
        redirect_uri=redirect_uri,
        access=asked_access(params, client.access),
        code_challenge=_challenge(params),
        state=params.get("state"),
        nonce=_short(params.get("nonce")),
        prompt=frozenset(params.get("prompt", "").split()),
        max_age=_max_age(params.get("max_age")),
    )


def _challenge(params: Mapping[str, str]) -> str:
    challenge = params.get("code_challenge", "")
    if params.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "PKCE with S256 is needed")
    return challenge


def _short(nonce: str | None) -> str | None:
    if nonce is not None and len(nonce) > 255:
        raise OAuthError("invalid_request", "nonce is too long")
    return nonce


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise OAuthError("invalid_request", "max_age is a number of seconds")
    return int(text)


def _stale(live: Live, asked: Asked) -> bool:
    age = time.time() - live.authenticated_at.timestamp()
    return "login" in asked.prompt or (asked.max_age is not None and age > asked.max_age)


def _to_log_in(query: str, asked: Asked) -> Response:
    if "none" in asked.prompt:
        raise Turned(asked.redirect_uri, "login_required", asked.state)
    # The log-in that follows is what `prompt=login` and `max_age=0` ask for; asking again would never end.
    kept = {name: value for name, value in forms.parse(query).items() if (name, value) != ("max_age", "0")}
    prompt = " ".join(sorted(asked.prompt - {"login"}))
    kept = {name: value for name, value in kept.items() if name != "prompt"} | ({"prompt": prompt} if prompt else {})
    back = "/oauth2/authorize?" + forms.encode(kept)
    return redirect("/login?" + urlencode({"return_to": back}), 303)


def _consented(live: Live, asked: Asked) -> bool:
    if "consent" in asked.prompt:
        return False
    earlier = session().scalars(
        select(AuthorizationGrant.access).where(
            AuthorizationGrant.account_id == live.account_id,
            AuthorizationGrant.client_id == asked.client.id,
            AuthorizationGrant.revoked_at.is_(None),
            # What a person allowed as a citizen says nothing of their work, nor the other way round.
            AuthorizationGrant.staff_of.is_not_distinct_from(live.staff_of),
        )
    )
    return any(_covers(access, asked.access) for access in earlier)


def _covers(given: Access, wanted: Access) -> bool:
    return all(set(scopes) <= set(given.get(audience, ())) for audience, scopes in wanted.items())


def _with_code(live: Live, asked: Asked) -> Response:
    code = secrets.token_urlsafe(32)
    grant = add(
        AuthorizationGrant(
            account_id=live.account_id,
            person_id=live.person_id,
            client_id=asked.client.id,
            session_id=live.id,
            staff_of=live.staff_of,
            access=asked.access,
            proofing_level=live.proofing_level,
            authentication_level=live.authentication_level,
            authenticated_at=live.authenticated_at,
        )
    )
    add(
        AuthorizationCode(
            code_hash=code_hash(code),
            grant_id=grant.id,
            client_id=asked.client.id,
            redirect_uri=asked.redirect_uri,
            code_challenge=asked.code_challenge,
            nonce=asked.nonce,
            expires_at=now() + timedelta(seconds=CODE_SECONDS),
        )
    )
    audit.record("identity.consented", subject=live.person_id, object=grant.id, details={"client": asked.client.id})
    return _back(asked.redirect_uri, {"code": code}, asked.state)


def _back(redirect_uri: str, params: dict[str, str], state: str | None) -> Response:
    """Send the browser back to the client, with `iss` (RFC 9207) on every answer."""
    answer = params | ({"state": state} if state is not None else {}) | {"iss": issuer()}
    join = "&" if urlsplit(redirect_uri).query else "?"
    back = redirect(redirect_uri + join + urlencode(answer), 303)
    back.headers["Cache-Control"] = "no-store"
    back.headers["Referrer-Policy"] = "no-referrer"
    return back
