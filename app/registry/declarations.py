"""What a plugin declares in files: certificate types, kinds of notices and matters, read before anything is mounted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask

from app.certificates import types
from app.db import unit_of_work
from app.matters import service as matters
from app.notices import kinds
from app.registry.contract import Plugin
from app.registry.refusal import Refused, Stage, told

_MATTERS = "suxin.matter_files"


@dataclass(frozen=True, slots=True)
class Declared:
    """The declarations of one plugin, read and checked."""

    certificates: Mapping[str, types.CertificateType] = field(default_factory=dict)
    notices: Mapping[str, kinds.NoticeKind] = field(default_factory=dict)
    matters: Path | None = None


def read(plugin: Plugin) -> Declared:
    """Return what a plugin's folder declares; raises `Refused` for the first thing wrong."""
    if plugin.declarations is None:
        return Declared()
    try:
        return _read(Path(plugin.declarations), plugin.name)
    except Exception as error:  # whatever a file contains, it stops its own plugin only
        raise Refused(Stage.DECLARATIONS, told(error)) from error


def _read(folder: Path, owner: str) -> Declared:
    certificates, notices, items = (folder / f"{what}.yaml" for what in ("certificates", "notices", "matters"))
    return Declared(
        certificates=types.read(certificates, owner) if certificates.exists() else {},
        notices=kinds.read(notices, owner) if notices.exists() else {},
        matters=_checked(items, owner) if items.exists() else None,
    )


def _checked(items: Path, owner: str) -> Path:
    for matter in matters.read(items)["matters"]:
        if not matter["code"].startswith(f"{owner}."):
            raise matters.BadDeclaration(f"{items.name}: {matter['code']}: begin with `{owner}.`")
    return items


def load_matters(app: Flask) -> int:
    """Bring the catalogue to what mounted plugins declare; returns how many matters they do."""
    held: list[Path] = app.extensions.get(_MATTERS, [])
    with app.app_context(), unit_of_work():
        return sum(matters.load(path) for path in held)


def unclaimed(app: Flask, declared: Declared) -> None:
    """Raise `Refused` when another plugin has declared a certificate type of the same name."""
    taken = sorted(types.declared(app).keys() & declared.certificates.keys())
    if taken:
        raise Refused(Stage.DECLARATIONS, f"{', '.join(taken)}: another plugin declares it; choose another name")


def install(app: Flask, declared: Declared) -> None:
    """Make a mounted plugin's declarations known to the app."""
    types.install(app, declared.certificates)
    kinds.install(app, declared.notices)
    if declared.matters is not None:
        app.extensions.setdefault(_MATTERS, []).append(declared.matters)
