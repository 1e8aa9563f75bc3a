"""What a plugin declares in files: certificate types and kinds of notices, read before anything is mounted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask

from app.certificates import types
from app.notices import kinds
from app.registry.contract import Plugin
from app.registry.refusal import Refused, Stage, told


@dataclass(frozen=True, slots=True)
class Declared:
    """The declarations of one plugin, read and checked."""

    certificates: Mapping[str, types.CertificateType] = field(default_factory=dict)
    notices: Mapping[str, kinds.NoticeKind] = field(default_factory=dict)


def read(plugin: Plugin) -> Declared:
    """Return what a plugin's folder declares; raises `Refused` for the first thing wrong."""
    if plugin.declarations is None:
        return Declared()
    try:
        return _read(Path(plugin.declarations), plugin.name)
    except Exception as error:  # whatever a file contains, it stops its own plugin only
        raise Refused(Stage.DECLARATIONS, told(error)) from error


def _read(folder: Path, owner: str) -> Declared:
    certificates, notices = folder / "certificates.yaml", folder / "notices.yaml"
    return Declared(
        certificates=types.read(certificates, owner) if certificates.exists() else {},
        notices=kinds.read(notices, owner) if notices.exists() else {},
    )


def unclaimed(app: Flask, declared: Declared) -> None:
    """Raise `Refused` when another plugin has declared a certificate type of the same name."""
    taken = sorted(types.declared(app).keys() & declared.certificates.keys())
    if taken:
        raise Refused(Stage.DECLARATIONS, f"{', '.join(taken)}: another plugin declares it; choose another name")


def install(app: Flask, declared: Declared) -> None:
    """Make a mounted plugin's declarations known to the app."""
    types.install(app, declared.certificates)
    kinds.install(app, declared.notices)
