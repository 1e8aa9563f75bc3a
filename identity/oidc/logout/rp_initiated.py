"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): end the session here, then go back, or ask first."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from flask import redirect, request
from werkzeug.wrappers import Response

from app.db import session
from identity.oidc import forms
from identity.oidc.errors import OAuthError
from identity.oidc.logout.hint import hinted
from identity.oidc.models import Client
from identity.oidc.tokens import client_session
from identity.sessions import browser, service
from identity.sessions.service import Live
from identity.showing import page


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A checked log-out request; `sid` is the session that a true hint names, `back` an address registered for it."""

    client: Client | None = None
    sid: str | None = None
    back: str | None = None


def begin() -> Response:
    """Answer a log-out request that a client sent the browser with.

    A hint that names this browser's session is the person's own client
    speaking, so it is obeyed; anything else is asked on a page first (2).
    """
    try:
        params = forms.query(request)
        asked = _checked(params)
    except OAuthError as error:
        return page("identity/log_out.html", status=400, error=error, client=None, query="")
    live = browser.live_session(request)
    if live is None:
        return _gone(asked)
    if asked.sid is not None and asked.client is not None and _same(live, asked.sid, asked.client):
        return _ended(asked)
    return page("identity/log_out.html", error=None, client=asked.client, query=forms.encode(params))


def repost() -> Response:
    """Send a form that a client posted on as a GET: a browser brings its session only there (SameSite=Lax)."""
    try:
        params = forms.form(request)
    except OAuthError as error:
        return page("identity/log_out.html", status=400, error=error, client=None, query="")
    return redirect("/oauth2/logout" + (f"?{forms.encode(params)}" if params else ""), 303)


def decide() -> Response:
    """Answer the form of our own page: the session ends, and the browser goes back where that is registered."""
    params = forms.form(request)
    browser.check_form(request, params.get(browser.CSRF_FIELD, ""))
    try:
        asked = _checked(forms.parse(params.get("request", "")))
    except OAuthError:
        asked = Asked()
    if params.get("decision") != "log_out":
        return redirect("/", 303)
    return _ended(asked)


def _checked(params: Mapping[str, str]) -> Asked:
    """Check hint, client and address; raises `OAuthError`, and then nothing is sent anywhere (4)."""
    hint = params.get("id_token_hint")
    claims = None if hint is None else hinted(hint)
    if hint is not None and claims is None:
        raise OAuthError("invalid_request", "id_token_hint is no ID token of this issuer")
    named, believed = params.get("client_id"), None if claims is None else claims["aud"]
    if named is not None and believed is not None and named != believed:
        raise OAuthError("invalid_request", "id_token_hint was given to another client than client_id")
    client = _client(named or believed)
    sid = None if claims is None else claims.get("sid")
    return Asked(client=client, sid=sid if isinstance(sid, str) else None, back=_back(params, client))


def _client(client_id: str | None) -> Client | None:
    if client_id is None:
        return None
    found = session().get(Client, client_id)
    if found is None or found.state != "active":
        raise OAuthError("invalid_request", "the client is unknown")
    return found


def _back(params: Mapping[str, str], client: Client | None) -> str | None:
    """Return where to go, with `state`; the address must be registered, sign by sign, for a client that is known."""
    target = params.get("post_logout_redirect_uri")
    if target is None:
        return None
    if client is None or target not in client.post_logout_redirect_uris:
        raise OAuthError("invalid_request", "post_logout_redirect_uri is not registered, sign by sign, for this client")
    if "state" not in params:
        return target
    return target + ("&" if urlsplit(target).query else "?") + urlencode({"state": params["state"]})


def _same(live: Live, sid: str, client: Client) -> bool:
    return hmac.compare_digest(client_session(live.id, client.id).encode(), sid.encode("utf-8", "replace"))


def _ended(asked: Asked) -> Response:
    secret = browser.session_secret(request)
    if secret:
        service.end(secret)
    return _gone(asked)


def _gone(asked: Asked) -> Response:
    answer = redirect(asked.back, 303) if asked.back else page("identity/logged_out.html", client=asked.client)
    browser.forget_session(answer)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
