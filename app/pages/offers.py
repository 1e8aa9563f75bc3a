"""What the city offers: matters by shelf, and the guide of one matter."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template

from app.errors import language
from app.guards import public
from app.matters import service
from app.matters.models import Category, Matter
from app.text import Text

FIRST = 4
MOST = 100
OPEN = "the catalogue is public by law (open government information)"

blueprint = Blueprint("matters_pages", __name__, url_prefix="/matters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A category with matters, in the reader's language; `more` when others follow."""

    code: str
    title: str
    matters: list[tuple[str, str]]
    more: bool


def shelves() -> list[Shelf]:
    """Return every category that holds something, with its first matters."""
    found = [_shelf(category, limit=FIRST) for category in service.categories()]
    return [shelf for shelf in found if shelf.matters]


@blueprint.get("/")
@public(because=OPEN)
def catalogue() -> str:
    """Show the whole catalogue."""
    return render_template("matters.html", shelves=[_shelf(each, limit=MOST) for each in service.categories()])


@blueprint.get("/<code>")
@public(because=OPEN)
def guide(code: str) -> str:
    """Show the guide of one matter."""
    matter = service.one(code)
    return render_template(
        "matter.html", matter=matter, title=_title(matter), needed=[_named(each) for each in matter.materials]
    )


def _shelf(category: Category, *, limit: int) -> Shelf:
    found = service.catalogue(category=category.code, cursor=None, limit=limit)
    return Shelf(
        code=category.code,
        title=_title(category),
        matters=[(matter.code, _title(matter)) for matter in found.items],
        more=found.next_cursor is not None,
    )


def _title(row: Category | Matter) -> str:
    return Text(row.title_zh, row.title_en).to(language())


def _named(material: dict[str, str]) -> str:
    return Text(material["title_zh"], material["title_en"]).to(language())
