"""Scopes in the words of whoever declared them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import current_app

from app.errors import language


def scopes_in_words(access: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what an access lets one do, each thing once, in the reader's language."""
    registry = current_app.extensions.get("suxin.registry")
    titles = {scope: text for plugin in getattr(registry, "mounted", ()) for scope, text in plugin.scopes.items()}
    scopes = dict.fromkeys(scope for scopes in access.values() for scope in scopes)
    return [titles[scope].to(language()) if scope in titles else scope for scope in scopes]
