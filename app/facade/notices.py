"""Notices for plugins: sent to subjects."""

from __future__ import annotations

from collections.abc import Mapping

from app.facade.subjects import party_of
from app.notices import service
from app.principal import principal


def send(*, subject: str, kind: str, reference: str, arguments: Mapping[str, str], link: str | None = None) -> None:
    """Leave a declared notice for a subject, once per kind and reference.

    Raises `UnknownNoticeKind` for one that the plugin's own `notices.yaml` does not declare.
    """
    if not kind.startswith(f"{principal().audience}."):
        raise service.UnknownNoticeKind(kind)
    service.send(party=party_of(subject), kind=kind, reference=reference, arguments=arguments, link=link)
