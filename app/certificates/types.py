"""Certificate types, declared by plugins in `certificates.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from flask import Flask, current_app

from app.text import Text

_KEY = "suxin.certificate_types"


class BadCertificateType(ValueError):
    """A declaration of certificates is wrong; the message names the type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateType:
    """What certificates of a type say, who issues them and for how long."""

    name: str
    title: Text
    issuer: Text
    validity_days: int
    claims: Mapping[str, Any]
    check: Any = field(repr=False, compare=False)

    def problems(self, claims: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with claims, by place; their values are not repeated."""
        return ["/".join(map(str, error.instance_path)) or "/" for error in self.check.iter_errors(dict(claims))]


def read(path: Path) -> dict[str, CertificateType]:
    """Return the types that a file declares; raises `BadCertificateType`."""
    said = yaml.safe_load(path.read_text("utf-8")) or {}
    return {name: _type(name, body) for name, body in said.items()}


def _type(name: str, said: Mapping[str, Any]) -> CertificateType:
    try:
        if not isinstance(said["validity_days"], int) or said["validity_days"] < 1:
            raise ValueError("validity_days")
        return CertificateType(
            name=name,
            title=Text(**said["title"]),
            issuer=Text(**said["issuer"]),
            validity_days=said["validity_days"],
            claims=said["claims"],
            check=jsonschema_rs.Draft202012Validator(said["claims"], validate_formats=True),
        )
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{name}: give title, issuer (zh, en), validity_days and claims (JSON Schema 2020-12)"
        raise BadCertificateType(reason) from error


def install(app: Flask, types: Mapping[str, CertificateType]) -> None:
    """Make types known to an app."""
    app.extensions.setdefault(_KEY, {}).update(types)


def known(name: str) -> CertificateType | None:
    """Return a type, or None."""
    held: dict[str, CertificateType] = current_app.extensions.get(_KEY, {})
    return held.get(name)
