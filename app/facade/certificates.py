"""Certificates for plugins: issued to subjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.certificates import service, types
from app.facade.subjects import party_of
from app.principal import principal


def issue(type: str, *, subject: str, content: Mapping[str, Any], reference: str) -> str:
    """Issue a declared certificate to a subject and return its id; once per type and reference.

    Raises `UnknownCertificateType` for one that the plugin's own
    `certificates.yaml` does not declare, and `ClaimsRefused` (the schema there
    says what a type may state).
    """
    declared = types.known(type)
    if declared is None or declared.owner != principal().audience:
        raise service.UnknownCertificateType(type)
    return service.issue(type=type, holder=party_of(subject), claims=content, source=reference)
