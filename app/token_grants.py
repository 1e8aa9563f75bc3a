"""Grants that capabilities bring to the token endpoint, such as the pre-authorised code of certificates.

The capability says whom the token shall speak for and what it may do; identity
authenticates the client, checks its key, and issues.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.ports import Port
from app.principal import CORE_AUDIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantCaller:
    """The client at the token endpoint; None and not confidential where a grant may be used anonymously."""

    client: str | None
    confidential: bool
    jkt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a token shall say: whose affairs, what it may do, and what more the answer holds.

    `subject` is a party of the core for a grant of the core's, and a plugin's
    own subject id for a plugin's. `audience` is the owner's unless the core says otherwise.
    """

    subject: str
    scopes: tuple[str, ...]
    audience: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


class GrantRefused(Exception):
    """A refusal in the protocol's words, such as `invalid_grant`."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """One grant; `anonymous` lets wallets use it that are registered nowhere (OpenID4VCI, 6.1).

    `serve` gets the caller and the request's parameters; it spends its code by
    itself, once, before it returns.
    """

    serve: Callable[[GrantCaller, Mapping[str, str]], Granted]
    anonymous: bool = False
    owner: str = CORE_AUDIENCE

    def __call__(self, caller: GrantCaller, params: Mapping[str, str]) -> Granted:
        """Return what to issue; raises `GrantRefused`."""
        return self.serve(caller, params)


token_grants: Port[TokenGrant] = Port("token_grants")


def owned(grant: Callable[..., Any], *, owner: str) -> TokenGrant:
    """Return a plugin's grant as the port keeps it: whatever it says, it is the plugin's."""
    return replace(grant, owner=owner) if isinstance(grant, TokenGrant) else TokenGrant(grant, owner=owner)
