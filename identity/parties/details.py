"""What a mandate lets somebody do, as `authorization_details` (RFC 9396, 2) of one type: services and their scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app

from app.guards import CORE_AUDIENCE
from identity.oidc.settings import audience_of, resource_of
from identity.parties.errors import CannotBeGiven

TYPE = "service"
_MOST = 20
# What stays with the person: faces, and everything about identity itself.
_OF_THE_CITY = ("profile", "certificates:read", "notices:read", "presence:code")
_OWN = ("openid", "identity:")


def details_of(access: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """Return scopes by audience as authorization details."""
    return [
        {"type": TYPE, "locations": [resource_of(audience)], "actions": sorted(set(scopes))}
        for audience, scopes in sorted(access.items())
    ]


def access(details: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the scopes by audience that stored details give; what is not understood gives nothing."""
    found: dict[str, list[str]] = {}
    for each in details:
        if each.get("type") == TYPE:
            for audience in filter(None, map(audience_of, each["locations"])):
                held = found.setdefault(audience, [])
                held += [action for action in each["actions"] if action not in held]
    return found


def checked(details: Any) -> list[dict[str, Any]]:
    """Return details in their one form; raises `CannotBeGiven` for what is unknown or cannot be given."""
    if not isinstance(details, list) or not 1 <= len(details) <= _MOST:
        raise CannotBeGiven(errors={"authorization_details": ["give 1 to 20 of them"]})
    wrong: dict[int, list[str]] = {}
    for place, each in enumerate(details):
        flaw = _flaw(each)
        if flaw is not None:
            wrong[place] = [flaw]
    if wrong:
        raise CannotBeGiven(errors={"authorization_details": wrong})
    return details_of(access(details))


def offered() -> dict[str, tuple[str, ...]]:
    """Return the scopes of every audience that one may give to others."""
    registry = current_app.extensions.get("suxin.registry")
    found: dict[str, tuple[str, ...]] = {CORE_AUDIENCE: _OF_THE_CITY}
    for plugin in getattr(registry, "mounted", ()):
        if plugin.name != "identity":
            found[plugin.name] = tuple(sorted(plugin.scopes))
    return {audience: scopes for audience, scopes in found.items() if scopes}


def _flaw(each: Any) -> str | None:
    if not isinstance(each, dict) or set(each) != {"type", "locations", "actions"} or each["type"] != TYPE:
        return f"write type `{TYPE}`, locations and actions, and nothing else"
    if not _texts(each["locations"]) or not _texts(each["actions"]):
        return "locations and actions are lists of texts"
    for location in each["locations"]:
        known = offered().get(audience_of(location) or "")
        if known is None:
            return "no such location"
        if not set(each["actions"]) <= set(known) or any(action.startswith(_OWN) for action in each["actions"]):
            return "an action is unknown there or cannot be given"
    return None


def _texts(value: Any) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= _MOST and all(isinstance(each, str) for each in value)
