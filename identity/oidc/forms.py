"""Parameters of protocol requests, strictly: each at most once, of sane size, in the right place."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import Request

from identity.oidc.errors import OAuthError

_FORM = "application/x-www-form-urlencoded"
_LONGEST = 20_000
_MOST = 40


def form(incoming: Request) -> dict[str, str]:
    """Return the body's parameters; raises `OAuthError` for anything but one plain form."""
    if incoming.mimetype != _FORM:
        raise OAuthError("invalid_request", f"send the parameters as {_FORM}")
    if (incoming.content_length or 0) > _LONGEST:
        raise OAuthError("invalid_request", "the form is too long", status=413)
    try:
        return parse(incoming.get_data(cache=True).decode("ascii"))
    except UnicodeDecodeError:
        raise OAuthError("invalid_request", "the form is not percent-encoded") from None


def query(incoming: Request) -> dict[str, str]:
    """Return the query's parameters; raises `OAuthError`."""
    return parse(incoming.query_string.decode("ascii", "replace"))


def parse(text: str) -> dict[str, str]:
    """Return parameters by name; empty ones count as absent (RFC 6749, 3.1)."""
    if len(text) > _LONGEST:
        raise OAuthError("invalid_request", "the request is too long")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "the parameters cannot be read") from None
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise OAuthError("invalid_request", "a parameter is repeated")
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise OAuthError("invalid_request", "a parameter holds a control sign")
    return {name: value for name, value in pairs if value}


def needed(params: dict[str, str], name: str) -> str:
    """Return a parameter; raises `OAuthError` when it is missing."""
    if name not in params:
        raise OAuthError("invalid_request", f"{name} is missing")
    return params[name]
