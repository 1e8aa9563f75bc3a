"""The client credentials grant (RFC 6749, 4.4): a program or terminal acts for itself."""

from __future__ import annotations

from typing import Any

from app.db import session
from app.guards import Kind, Principal
from identity.oidc import tokens
from identity.oidc.access import Wanted, wanted
from identity.oidc.clients import Caller, client_of
from identity.oidc.errors import OAuthError
from identity.oidc.grants.issued import record
from identity.parties.models import Organisation


def client_credentials(caller: Caller, params: dict[str, str]) -> dict[str, Any]:
    """Give a terminal or a confidential client a token for itself."""
    if not caller.confidential:
        raise OAuthError("unauthorized_client", "only terminals and confidential clients act for themselves")
    asked = wanted(params, caller.access)
    if caller.terminal is not None:
        _active_organisation(caller.terminal.organisation_id)
        token, kind = tokens.for_terminal(caller.terminal, asked, jkt=caller.jkt), Kind.TERMINAL
    else:
        token, kind = _for_client(caller, asked), Kind.CLIENT
    record(Principal(kind=kind, actor=caller.id), object=caller.id, audience=asked.audience)
    return tokens.answer(token, asked.scopes, jkt=caller.jkt)


def _for_client(caller: Caller, asked: Wanted) -> str:
    client = client_of(caller.id)
    if client.organisation_id is not None:
        _active_organisation(client.organisation_id)
    return tokens.for_client(client, asked, jkt=caller.jkt)


def _active_organisation(organisation_id: str) -> None:
    found = session().get(Organisation, organisation_id)
    if found is None or found.state != "active":
        raise OAuthError("invalid_client", "the organisation it belongs to is not active", status=401)
