"""The grants of the token endpoint by `grant_type`, each in a file of its own as a short list of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from identity.oidc.clients import Caller
from identity.oidc.grants.authorization_code import authorization_code
from identity.oidc.grants.ciba import ciba
from identity.oidc.grants.client_credentials import client_credentials
from identity.oidc.grants.device_code import device_code
from identity.oidc.grants.refresh import refresh
from identity.oidc.grants.token_exchange import token_exchange
from identity.oidc.permitted import CIBA, DEVICE, EXCHANGE

Grant = Callable[[Caller, dict[str, str]], dict[str, Any]]

GRANTS: dict[str, Grant] = {
    "authorization_code": authorization_code,
    "client_credentials": client_credentials,
    "refresh_token": refresh,
    CIBA: ciba,
    DEVICE: device_code,
    EXCHANGE: token_exchange,
}
