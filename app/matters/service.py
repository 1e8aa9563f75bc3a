"""Load the catalogue from declarations and read it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from marshmallow import ValidationError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.db import now, session
from app.errors import NotFound
from app.identifiers import AreaCode, BadIdentifier
from app.matters.models import Category, Matter
from app.matters.schemas import Declarations
from app.paging import Page, page
from app.text import Text


class NoSuchMatter(NotFound):
    title = Text("没有这个事项", "There is no such matter")
    next_step = Text("请检查事项编码，或从目录中选择", "Check the code, or choose one from the catalogue")


class BadDeclaration(ValueError):
    """A declaration file is wrong; the message names the file and the place in it."""


def read(path: Path) -> dict[str, Any]:
    """Return a checked declaration file; raises `BadDeclaration`."""
    try:
        held: dict[str, Any] = Declarations().load(yaml.safe_load(path.read_text("utf-8")))
        for matter in held["matters"]:
            AreaCode.parse(matter["area"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError, BadIdentifier) as error:
        raise BadDeclaration(f"{path.name}: {error}") from error
    for shelf in ("categories", "matters"):
        codes = Counter(each["code"] for each in held[shelf])
        twice = sorted(code for code, times in codes.items() if times > 1)
        if twice:
            raise BadDeclaration(f"{path.name}: {shelf}: declared twice: {', '.join(twice)}")
    return held


def load(path: Path) -> int:
    """Bring the catalogue to what a file declares; returns how many matters it holds.

    A matter that stays the same keeps its time of change.
    """
    held = read(path)
    for category in held["categories"]:
        _upsert(Category, category, {})
    for matter in held["matters"]:
        _upsert(Matter, matter, {"changed_at": now()})
    return len(held["matters"])


def _upsert(model: type[Category] | type[Matter], row: dict[str, Any], stamp: dict[str, Any]) -> None:
    written = insert(model).values(**row, **stamp)
    changed = {name: written.excluded[name] for name in row if name != "code"}
    differs = func.row(*(getattr(model, name) for name in changed)).op("IS DISTINCT FROM")(func.row(*changed.values()))
    update = {**changed, **{name: written.excluded[name] for name in stamp}}
    session().execute(written.on_conflict_do_update(index_elements=["code"], set_=update, where=differs))


def one(code: str) -> Matter:
    """Return a matter; raises `NoSuchMatter`."""
    found = session().get(Matter, code)
    if found is None:
        raise NoSuchMatter()
    return found


def catalogue(*, category: str | None, cursor: str | None, limit: int) -> Page[Matter]:
    """Return a page of the catalogue by code, of one category or all."""
    query = select(Matter) if category is None else select(Matter).where(Matter.category == category)
    return page(query, key=(Matter.code,), cursor=cursor, limit=limit, newest_first=False)


def categories() -> list[Category]:
    """Return all shelves by code."""
    return list(session().scalars(select(Category).order_by(Category.code)))
