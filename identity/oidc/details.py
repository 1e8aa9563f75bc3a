"""Authorization details (RFC 9396): asked for, checked by their type, worded for the person, given out by audience."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.authorization_details import BadDetail, detail_types
from app.errors import language
from app.guards import CORE_AUDIENCE
from identity.oidc.errors import OAuthError
from identity.oidc.models import Client
from identity.oidc.settings import audience_of, resource_of

Details = list[dict[str, Any]]
_LONGEST = 8_000
_MOST = 10


def asked(params: Mapping[str, str], client: Client, audiences: Sequence[str]) -> Details:
    """Return the details that a request asks for; raises `invalid_authorization_details` (RFC 9396, 5).

    A detail names its resources by `locations`, or means the city; it must
    be of a type the client is registered for, at an audience it asks for.
    """
    found = _read(params)
    for each in found:
        _check(each, client, audiences)
    return found


def at(details: Details, audience: str) -> Details:
    """Return the details that a token of one audience carries."""
    return [each for each in details if audience in _audiences(each)]


def narrowed(params: Mapping[str, str], granted: Details) -> Details:
    """Return the granted details that a token request names, all of them when it names none (RFC 9396, 6)."""
    wanted = _read(params)
    if any(each not in granted for each in wanted):
        raise _refused("a detail was not granted")
    return wanted or granted


def in_words(details: Details) -> list[str]:
    """Return what each detail allows, in the reader's language."""
    known = detail_types.all()
    return [known[each["type"]].words(each).to(language()) for each in details if each["type"] in known]


def _read(params: Mapping[str, str]) -> Details:
    text = params.get("authorization_details")
    if text is None:
        return []
    try:
        found = json.loads(text, object_pairs_hook=_once_each) if len(text) <= _LONGEST else None
    except (ValueError, RecursionError):
        raise _refused("not JSON") from None
    if not isinstance(found, list) or not 1 <= len(found) <= _MOST:
        raise _refused("give a list of one to ten objects")
    if not all(isinstance(each, dict) and isinstance(each.get("type"), str) for each in found):
        raise _refused("each detail is an object with a type")
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def _check(detail: dict[str, Any], client: Client, audiences: Sequence[str]) -> None:
    kind = detail_types.get(detail["type"])
    if kind is None or detail["type"] not in client.detail_types:
        raise _refused("the type is unknown, or this client is not registered for it")
    if not set(_audiences(detail)) <= set(audiences):
        raise _refused("locations must be among the resources that are asked for")
    try:
        kind.check(detail)
    except BadDetail as error:
        raise _refused(str(error)) from None


def _audiences(detail: Mapping[str, Any]) -> list[str]:
    locations = detail.get("locations", [resource_of(CORE_AUDIENCE)])
    if not isinstance(locations, list) or not locations or not all(isinstance(each, str) for each in locations):
        raise _refused("locations is a list of resources")
    return [audience_of(each) or "" for each in locations]


def _refused(reason: str) -> OAuthError:
    return OAuthError("invalid_authorization_details", reason)
