"""Addresses of a citizen's messages, below /api/notices."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from app.errors import language
from app.fields import Instant
from app.guards import Kind, own_party, require
from app.notices import service
from app.paging import Page, PageArgs, paged

blueprint = Blueprint("notices", __name__, url_prefix="", description="消息 · Notices")


class NoticeSchema(Schema):
    """A message to the citizen, in the language of Accept-Language."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    link = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    read_at = Instant(required=True, allow_none=True)


@blueprint.route("")
class Notices(MethodView):
    @require("notices:read", kinds=[Kind.CITIZEN])
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.response(200, paged(NoticeSchema))
    def get(self, paging: dict[str, Any]) -> Page[service.Message]:
        """List the caller's messages, newest first."""
        return service.inbox(party=own_party(), language=language(), **paging)


@blueprint.route("/<notice_id>/read")
class Read(MethodView):
    @require("notices:read", kinds=[Kind.CITIZEN])
    @blueprint.response(200, NoticeSchema)
    def post(self, notice_id: str) -> service.Message:
        """Mark one of the caller's messages as read; repeating it changes nothing."""
        return service.mark_read(notice_id, party=own_party(), language=language())
