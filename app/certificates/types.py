"""Certificate types, declared by plugins in `certificates.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from flask import Flask, current_app

from app.text import Text

_KEY = "suxin.certificate_types"
_NAME = re.compile(r"[a-z][a-z0-9_]{1,79}")
_LONGEST_DAYS = 36_525


class BadCertificateType(ValueError):
    """A declaration of certificates is wrong; the message names the type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateType:
    """What certificates of a type say, who issues them and for how long."""

    name: str
    owner: str
    title: Text
    issuer: Text
    validity_days: int
    claims: Mapping[str, Any]
    check: Any = field(repr=False, compare=False)

    def problems(self, claims: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with claims, by place; their values are not repeated."""
        return ["/".join(map(str, error.instance_path)) or "/" for error in self.check.iter_errors(dict(claims))]


def read(path: Path, owner: str) -> dict[str, CertificateType]:
    """Return the types that an owner's file declares; raises `BadCertificateType`."""
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadCertificateType(f"{path.name} cannot be read: {error}") from error
    if not isinstance(said or {}, dict):
        raise BadCertificateType(f"{path.name}: begin each type with its name")
    return {name: _type(name, body, owner) for name, body in (said or {}).items()}


def _type(name: Any, said: Any, owner: str) -> CertificateType:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadCertificateType(f"{name}: a type is named by small letters, digits and _")
    try:
        return CertificateType(
            name=name,
            owner=owner,
            title=Text(**said["title"]),
            issuer=Text(**said["issuer"]),
            validity_days=_days(said["validity_days"]),
            claims=said["claims"],
            check=_validator(said["claims"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{name}: give title, issuer (zh, en), validity_days and claims (JSON Schema 2020-12)"
        raise BadCertificateType(reason) from error


def _days(said: Any) -> int:
    if type(said) is not int or not 1 <= said <= _LONGEST_DAYS:
        raise ValueError("validity_days")
    return said


def _validator(schema: Any) -> Any:
    if not isinstance(schema, dict):
        raise TypeError("claims")
    # A `$ref` to another host would make the start of the city wait for that host.
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, retriever=_nothing_outside)


def _nothing_outside(address: str) -> Any:
    raise ValueError(f"{address} lies outside the file")


def install(app: Flask, types: Mapping[str, CertificateType]) -> None:
    """Make types known to an app; raises `BadCertificateType` for a name that is taken."""
    held = declared(app)
    taken = sorted(held.keys() & types.keys())
    if taken:
        raise BadCertificateType(f"{', '.join(taken)}: declared already; choose another name")
    held.update(types)


def declared(app: Flask) -> dict[str, CertificateType]:
    """Return the types that an app knows, by name."""
    held: dict[str, CertificateType] = app.extensions.setdefault(_KEY, {})
    return held


def known(name: str) -> CertificateType | None:
    """Return a type, or None."""
    held: dict[str, CertificateType] = current_app.extensions.get(_KEY, {})
    return held.get(name)
