"""Write a new plugin's distribution from the template."""

from __future__ import annotations

from pathlib import Path

from app.registry.check import NAME, RESERVED

TEMPLATE = Path(__file__).with_name("template")
_SUFFIX = ".j2"


class CannotWrite(Exception):
    """The name cannot be used, or the folder is there already."""


def write(name: str, into: Path) -> Path:
    """Write the distribution `suxin-<name>` below a folder and return where it is."""
    if not NAME.fullmatch(name) or name in RESERVED or name == "identity":
        raise CannotWrite(f"{name} cannot be a plugin's name: 2 to 31 small letters and digits, not a word of the core")
    target = into / f"suxin-{name}"
    if target.exists():
        raise CannotWrite(f"{target} is there already; nothing was written")
    for source in sorted(TEMPLATE.rglob(f"*{_SUFFIX}")):
        place = target / _filled(str(source.relative_to(TEMPLATE)).removesuffix(_SUFFIX), name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(_filled(source.read_text("utf-8"), name), "utf-8")
    return target


def _filled(text: str, name: str) -> str:
    # Two plain words instead of a template language: the files stay readable as what they will be.
    return text.replace("PLUGINTITLE", name.capitalize()).replace("PLUGINNAME", name)
