"""The declaration that administration routes share; the desk itself is checked by the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.guards import Kind, require

SCOPE = "identity:admin"
View = TypeVar("View", bound=Callable[..., Any])


def official() -> Callable[[View], View]:
    """Declare a route for officials who logged in with two factors."""
    return require(SCOPE, kinds=[Kind.OFFICIAL], authentication_level=2)
