"""Addresses of the catalogue, below /api/matters; open to everyone."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy import bindparam, select

from app.guards import public
from app.hotpath.declare import hot_read
from app.matters import service
from app.matters.models import Category, Matter
from app.matters.schemas import CategorySchema, MatterArgs, MatterSchema
from app.paging import Page, PageArgs, paged

blueprint = Blueprint("matters", __name__, url_prefix="", description="事项目录 · Service catalogue")
OPEN = "the catalogue is public by law (open government information)"
_ONE = select(*(Matter.__table__.c[name] for name in MatterSchema().fields)).where(Matter.code == bindparam("code"))


@blueprint.route("")
class Matters(MethodView):
    @public(because=OPEN)
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.arguments(MatterArgs, location="query")
    @blueprint.response(200, paged(MatterSchema))
    def get(self, paging: dict[str, Any], wanted: dict[str, Any]) -> Page[Matter]:
        """List matters, by category if one is named."""
        return service.catalogue(category=wanted["category"], **paging)


@blueprint.route("/categories")
class Categories(MethodView):
    @public(because=OPEN)
    @blueprint.response(200, CategorySchema(many=True))
    def get(self) -> list[Category]:
        """List the shelves of the catalogue."""
        return service.categories()


@blueprint.route("/<code>")
class OneMatter(MethodView):
    @public(because=OPEN)
    @blueprint.response(200, MatterSchema)
    @hot_read(MatterSchema, _ONE)
    def get(self, code: str) -> Matter:
        """Look at one matter."""
        return service.one(code)
