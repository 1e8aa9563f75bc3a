"""What the city offers: the mounted scenarios, as each one names itself."""

from __future__ import annotations

from flask import current_app


def services(language: str) -> list[dict[str, str]]:
    """Return the scenarios that are mounted, in the reader's language."""
    registry = current_app.extensions.get("suxin.registry")
    mounted = getattr(registry, "mounted", ())
    return [{"title": plugin.title.to(language), "note": ""} for plugin in mounted if plugin.name != "identity"]
