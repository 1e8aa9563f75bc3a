"""Declare that a view may also be answered by a statement compiled at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from marshmallow import Schema
from sqlalchemy import Select

from app.crypto import Vault
from app.principal import Principal

Show = Callable[[Principal, Mapping[str, Any], Vault], Any]
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRead:
    """One row of `select`, shown by `schema`: what the ordinary view answers, too.

    Every `bindparam` without a value is filled by name from the path's
    parameter or the Principal's attribute. The object-level check belongs in
    the WHERE; no row means that the ordinary view answers (404, 403, 410).
    `show` makes of the caller and the row what the schema shows, where that is
    more than the columns (a sealed one is opened by the vault); it runs without
    an app context, and what it needs one for the ordinary view answers.
    """

    schema: type[Schema]
    select: Select[Any]
    show: Show | None = None


def hot_read(schema: type[Schema], select: Select[Any], *, show: Show | None = None) -> Callable[[View], View]:
    """Let a GET view, which stays the described one, be answered by a compiled read.

    Put it innermost, below `@require` or `@public` and `@blp.response`.
    """
    declared = HotRead(schema=schema, select=select, show=show)

    def decorate(view: View) -> View:
        view.__hot_read__ = declared  # type: ignore[attr-defined]
        return view

    return decorate


def hot_read_of(view: Any) -> HotRead | None:
    """Return what a Flask view function declares for GET, or None."""
    target = getattr(view, "view_class", None)
    handler = getattr(target, "get", None) if target is not None else view
    found = getattr(handler, "__hot_read__", None)
    return found if isinstance(found, HotRead) else None
