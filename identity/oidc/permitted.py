"""Which client may use which grant."""

from __future__ import annotations

from identity.oidc.clients import Caller
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def client_for(caller: Caller, grant_type: str) -> Client:
    """Return the calling client; raises `unauthorized_client` when it is not registered for the grant."""
    if caller.client is None or grant_type not in caller.client.grant_types:
        raise OAuthError("unauthorized_client", "this client is not registered for that grant")
    return caller.client


def confidential_for(caller: Caller, grant_type: str) -> Client:
    """Return the calling client, which has authenticated; raises `unauthorized_client` for a public one."""
    client = client_for(caller, grant_type)
    if client.auth_method == "none":
        raise OAuthError("unauthorized_client", "only a client that authenticates may do this")
    return client
