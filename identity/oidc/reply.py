"""Answers that go back to the client through the browser; its redirect URI is checked by now."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from flask import redirect
from werkzeug.wrappers import Response

from identity.oidc.settings import issuer


class Turned(Exception):
    """A refusal that goes back to the client."""

    def __init__(self, redirect_uri: str, error: str, state: str | None) -> None:
        super().__init__(error)
        self.redirect_uri = redirect_uri
        self.error = error
        self.state = state


def back(redirect_uri: str, params: Mapping[str, str], state: str | None) -> Response:
    """Send the browser back to the client, with `iss` (RFC 9207) on every answer."""
    answer = {**params, **({"state": state} if state is not None else {}), "iss": issuer()}
    join = "&" if urlsplit(redirect_uri).query else "?"
    sent = redirect(redirect_uri + join + urlencode(answer), 303)
    sent.headers["Cache-Control"] = "no-store"
    sent.headers["Referrer-Policy"] = "no-referrer"
    return sent


def turned_back(turned: Turned) -> Response:
    """Send the browser back with an error."""
    return back(turned.redirect_uri, {"error": turned.error}, turned.state)
