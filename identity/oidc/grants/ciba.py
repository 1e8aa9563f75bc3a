"""The CIBA grant in poll mode (OpenID CIBA Core 1.0, 10.1)."""

from __future__ import annotations

from typing import Any

from identity.oidc.clients import Caller
from identity.oidc.decoupled.requests import collect
from identity.oidc.forms import needed
from identity.oidc.grants.decided import tokens_of_decided
from identity.oidc.permitted import CIBA, confidential_for


def ciba(caller: Caller, params: dict[str, str]) -> dict[str, Any]:
    """Give the client its tokens once the person has approved, to one poll only."""
    client = confidential_for(caller, CIBA)
    grant_id = collect(needed(params, "auth_req_id"), kind="ciba", client_id=client.id)
    return tokens_of_decided(grant_id, caller, params)
