"""What each problem type means: the pages that `type` in every problem answer points to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, render_template, request

from app.errors import PAGE, DomainError, NotFound, language
from app.guards import public

blueprint = Blueprint("problems", __name__, url_prefix="/problems")


def install(app: Flask) -> None:
    """Let errors on pages be answered by a page."""
    app.extensions[PAGE] = _page


def _page(body: dict[str, Any]) -> str:
    here = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else "/"
    slug = str(body["type"]).rpartition("/")[2]
    return render_template("error.html", problem=body, slug=slug, here=here)


@blueprint.get("/")
@public(because="explains errors; holds no personal data")
def index() -> str:
    """List every problem type."""
    return render_template("problems.html", problems=sorted(kinds().items()), tongue=language())


@blueprint.get("/<slug>")
@public(because="explains errors; holds no personal data")
def one(slug: str) -> str:
    """Explain one problem type in both languages."""
    kind = kinds().get(slug)
    if kind is None:
        raise NotFound
    return render_template("problem.html", slug=slug, problem=kind, tongue=language())


def kinds() -> dict[str, type[DomainError]]:
    """Return every problem type that this city can answer with, by its slug."""
    found: dict[str, type[DomainError]] = {}
    for kind in _below(DomainError):
        found.setdefault(kind.slug(), kind)
    return found


def _below(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)
