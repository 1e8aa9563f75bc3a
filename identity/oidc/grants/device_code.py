"""The device code grant (RFC 8628, 3.4): the device polls until the person has decided elsewhere."""

from __future__ import annotations

from typing import Any

from identity.oidc.clients import Caller
from identity.oidc.decoupled.requests import collect
from identity.oidc.forms import needed
from identity.oidc.grants.decided import tokens_of_decided
from identity.oidc.permitted import DEVICE, client_for


def device_code(caller: Caller, params: dict[str, str]) -> dict[str, Any]:
    """Give the device its tokens once the person has approved, to one poll only."""
    client = client_for(caller, DEVICE)
    grant_id = collect(needed(params, "device_code"), kind="device", client_id=client.id)
    return tokens_of_decided(grant_id, caller, params)
