"""Certificates for plugins: issued to subjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.certificates import service
from app.facade.subjects import party_of


def issue(type: str, *, subject: str, content: Mapping[str, Any], reference: str) -> str:
    """Issue a declared certificate to a subject and return its id; once per type and reference.

    Raises `UnknownCertificateType` and `ClaimsRefused` (the schema in
    `certificates.yaml` says what a type may state).
    """
    return service.issue(type=type, holder=party_of(subject), claims=content, source=reference)
