"""The client credentials grant (RFC 6749, 4.4): a program or terminal acts for itself."""

from __future__ import annotations

from typing import Any

from app.db import session
from app.guards import Kind, Principal
from identity.devices.service import seen
from identity.oidc import tokens
from identity.oidc.access import wanted
from identity.oidc.clients import Caller
from identity.oidc.errors import OAuthError
from identity.oidc.grants.issued import record
from identity.parties.models import Organisation


def client_credentials(caller: Caller, params: dict[str, str]) -> dict[str, Any]:
    """Give a terminal a token for itself."""
    if caller.terminal is None:
        raise OAuthError("unauthorized_client", "only terminals act for themselves")
    asked = wanted(params, caller.access)
    _active_organisation(caller.terminal.organisation_id)
    seen(caller.terminal)
    token = tokens.for_terminal(caller.terminal, asked)
    record(Principal(kind=Kind.TERMINAL, actor=caller.id), object=caller.id, audience=asked.audience)
    return tokens.answer(token, asked.scopes)


def _active_organisation(organisation_id: str) -> None:
    found = session().get(Organisation, organisation_id)
    if found is None or found.state != "active":
        raise OAuthError("invalid_client", "the terminal's organisation is not active", status=401)
