"""Chinese source sentences, English from .po files that are compiled in memory at start."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask
from flask_babel import Babel, get_locale  # type: ignore[import-untyped]
from flask_babel import Domain as BabelDomain

from app.errors import language

_HERE = Path(__file__).parent / "locale"


class Domain(BabelDomain):  # type: ignore[misc]
    """Translations that live in memory, one catalogue a language, shared by all owners."""

    def __init__(self, english: Translations) -> None:
        super().__init__()
        self._english = english
        self._source = NullTranslations()

    def get_translations(self) -> Any:
        """Return the catalogue of the reader's language; the Chinese one is the source itself."""
        locale = get_locale()
        return self._english if locale is not None and locale.language == "en" else self._source


class _CityBabel(Babel):  # type: ignore[misc]
    """Flask-Babel with our one domain instead of folders of .mo files."""

    def __init__(self, domain: Domain) -> None:
        super().__init__()
        self._domain = domain

    @property
    def domain_instance(self) -> Domain:
        return self._domain


def install(app: Flask) -> None:
    """Give templates `_()` and the dates of the reader's language, in the city's time zone."""
    babel = _CityBabel(Domain(english(_folders(app))))
    babel.init_app(app, default_locale="zh_CN", default_timezone="Asia/Shanghai", locale_selector=_locale)


def english(folders: Iterable[Path]) -> Translations:
    """Return the English sentences of every `en.po` in the folders; the first one to say a sentence wins."""
    merged = Catalog(locale="en")
    for folder in folders:
        for message in _read(folder / "en.po"):
            if message.id and message.string and merged.get(message.id) is None:
                merged.add(message.id, message.string)
    compiled = io.BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return Translations(fp=compiled)


def _read(path: Path) -> Catalog:
    if not path.is_file():
        return Catalog(locale="en")
    with path.open("rb") as source:
        return read_po(source, locale="en")


def _folders(app: Flask) -> list[Path]:
    roots = [Path(each.root_path) for each in app.blueprints.values()]
    return [_HERE, *sorted({root / "locale" for root in roots})]


def _locale() -> str:
    return "en" if language().startswith("en") else "zh_CN"
