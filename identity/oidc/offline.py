"""`offline_access`: whether a family of tokens outlives the browser session it came from.

A client may refresh while the person stays logged in. With the scope
`offline_access`, which its registration must allow and the person must
consent to, it may go on for half a year, whatever becomes of the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement

from app.guards import CORE_AUDIENCE
from identity.oidc.models import AuthorizationGrant
from identity.oidc.settings import OFFLINE_DAYS, SESSION_SECONDS

SCOPE = "offline_access"


def offline(access: Mapping[str, list[str]]) -> bool:
    """Tell whether a consent outlives its session."""
    return SCOPE in access.get(CORE_AUDIENCE, ())


def ends_at(access: Mapping[str, list[str]], authenticated_at: datetime) -> datetime:
    """Return when a consent given now ends by itself."""
    return authenticated_at + (timedelta(days=OFFLINE_DAYS) if offline(access) else timedelta(seconds=SESSION_SECONDS))


def bound_to_session() -> ColumnElement[Any]:
    """Return the condition that a grant ends with its session."""
    return ~AuthorizationGrant.access.contains({CORE_AUDIENCE: [SCOPE]})
