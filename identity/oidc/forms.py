"""Parameters of protocol requests, strictly: each at most once, of sane size, in the right place."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from flask import Request

from identity.oidc.errors import OAuthError

FORM = "application/x-www-form-urlencoded"
_LONGEST = 20_000
_MOST = 40
# RFC 8707, 2: several resources may be named; they contain no blanks, so one text holds them all.
_REPEATABLE = "resource"


def form(incoming: Request) -> dict[str, str]:
    """Return the body's parameters; raises `OAuthError` for anything but one plain form."""
    if incoming.mimetype != FORM:
        raise OAuthError("invalid_request", f"send the parameters as {FORM}")
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
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise OAuthError("invalid_request", "a parameter holds a control sign")
    resources = [value for name, value in pairs if name == _REPEATABLE and value]
    once = [(name, value) for name, value in pairs if name != _REPEATABLE]
    if len({name for name, _ in once}) != len(once):
        raise OAuthError("invalid_request", "a parameter is repeated")
    named = {name: value for name, value in once if value}
    return named | ({_REPEATABLE: " ".join(resources)} if resources else {})


def encode(params: dict[str, str]) -> str:
    """Return parameters as a query, as `parse` reads them."""
    return urlencode({name: value.split() if name == _REPEATABLE else value for name, value in params.items()}, True)


def needed(params: dict[str, str], name: str) -> str:
    """Return a parameter; raises `OAuthError` when it is missing."""
    if name not in params:
        raise OAuthError("invalid_request", f"{name} is missing")
    return params[name]
