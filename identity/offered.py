"""Which scopes the city's routes ask for, by audience: nobody can be given others."""

from __future__ import annotations

from flask import current_app

from app.guards import CORE_AUDIENCE, Kind, access_of

_PROTOCOL_SCOPES = frozenset({"openid", "profile", "offline_access"})


def known_scopes(kind: Kind | None = None) -> dict[str, frozenset[str]]:
    """Return the scopes of every audience; with a kind only those of routes open to it."""
    owners: dict[str, str] = current_app.extensions.get("suxin.audiences", {})
    found: dict[str, set[str]] = {CORE_AUDIENCE: set()}
    for rule in current_app.url_map.iter_rules():
        audience = owners.get(rule.endpoint.rpartition(".")[0], CORE_AUDIENCE)
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            access = access_of(current_app.view_functions[rule.endpoint], method)
            if access is not None and (kind is None or not access.kinds or kind in access.kinds):
                found.setdefault(audience, set()).update(access.scopes)
    if kind is None:
        found[CORE_AUDIENCE] |= _PROTOCOL_SCOPES
    return {audience: frozenset(scopes) for audience, scopes in sorted(found.items())}
