"""Addresses of certificates, below /api/certificates."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import bindparam, select

from app.certificates import service
from app.certificates.models import Certificate
from app.errors import language
from app.fields import Instant
from app.guards import Kind, own_party, require
from app.hotpath.declare import hot_read
from app.paging import Page, PageArgs, paged

blueprint = Blueprint("certificates", __name__, url_prefix="", description="电子证照 · Certificates")


class CertificateStateSchema(Schema):
    """Whether a certificate holds: `state` as its issuer set it, until `expires_at`."""

    id = fields.String(required=True)
    type = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"enum": ["valid", "suspended", "revoked"]})
    issued_at = Instant(required=True)
    expires_at = Instant(required=True)
    state_changed_at = Instant(required=True)


class CardSchema(Schema):
    """A certificate in its holder's card pack."""

    id = fields.String(required=True)
    type = fields.String(required=True)
    title = fields.String(required=True)
    issuer = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": ["valid", "suspended", "revoked", "expired"]})
    claims = fields.Dict(required=True)
    signature = fields.String(required=True, metadata={"description": "compact JWS, ES256"})
    issued_at = Instant(required=True)
    expires_at = Instant(required=True)


_TABLE = Certificate.__table__
_STATE = select(*(_TABLE.c[name] for name in CertificateStateSchema().fields)).where(
    _TABLE.c.id == bindparam("certificate_id")
)


@blueprint.route("")
class CardPack(MethodView):
    @require("certificates:read", kinds=[Kind.CITIZEN])
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.response(200, paged(CardSchema))
    def get(self, paging: dict[str, Any]) -> Page[service.Card]:
        """List the caller's certificates, newest first."""
        return service.card_pack(holder=own_party(), language=language(), **paging)


@blueprint.route("/<certificate_id>")
class OneCard(MethodView):
    @require("certificates:read", kinds=[Kind.CITIZEN])
    @blueprint.response(200, CardSchema)
    def get(self, certificate_id: str) -> service.Card:
        """Look at one of the caller's certificates."""
        return service.card(certificate_id, holder=own_party(), language=language())


@blueprint.route("/<certificate_id>/state")
class State(MethodView):
    @require("certificates:verify", kinds=[Kind.TERMINAL, Kind.OFFICIAL, Kind.CLIENT])
    @blueprint.response(200, CertificateStateSchema)
    @hot_read(CertificateStateSchema, _STATE)
    def get(self, certificate_id: str) -> Certificate:
        """Tell whether a certificate holds; it says nothing of holder or claims."""
        return service.state_of(certificate_id)
