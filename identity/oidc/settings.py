"""Lifetimes and names the authorization server keeps to."""

from __future__ import annotations

from typing import cast

from flask import current_app

from app.config import Settings
from app.guards import CORE_AUDIENCE

ACCESS_TOKEN_SECONDS = 300
CODE_SECONDS = 60
CLOCK_SKEW_SECONDS = 10
ASSERTION_SECONDS = 60
OLDER_ASSERTION_SECONDS = 3600
PUSHED_SECONDS = 90
# How long a person may take between the first page and the answer to the client.
INTERACTION_SECONDS = 900
REFRESH_GRACE_SECONDS = 10
# Without `offline_access` a family of tokens ends with the browser session it came from; with it, after half a year.
OFFLINE_DAYS = 180
SESSION_SECONDS = 8 * 3600
DPOP_SECONDS = 60
NONCE_SECONDS = 120


def issuer() -> str:
    """Return the issuer: the base URL."""
    return cast(Settings, current_app.config["SETTINGS"]).base_url


def endpoint(name: str) -> str:
    """Return the full address of a protocol endpoint."""
    return f"{issuer()}/oauth2/{name}"


def resource_of(audience: str) -> str:
    """Return the resource indicator (RFC 8707) of an audience, the `aud` of its tokens."""
    return issuer() if audience == CORE_AUDIENCE else f"{issuer()}/api/{audience}"


def audience_of(resource: str) -> str | None:
    """Return the audience a resource indicator names, or None."""
    if resource in (issuer(), issuer() + "/", f"{issuer()}/api/identity"):
        return CORE_AUDIENCE
    prefix, _, name = resource.rpartition("/")
    return name if prefix == f"{issuer()}/api" and name.isidentifier() else None
