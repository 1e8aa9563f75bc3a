"""The served app of a run: the kernel's own parts, with read and write routes ordinary and compiled.

SUXIN_BENCH_HOT=1 puts the compiled path in front; without it every answer is
the ordinary one. `/peer/...` are the raw psycopg and static peers in Flask.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from flask import Flask, Response
from flask.views import MethodView
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields
from psycopg_pool import ConnectionPool
from sqlalchemy.orm import Mapped, mapped_column

from app import audit, crypto, db, errors, guards, hotpath, telemetry
from app.config import Settings
from app.db import add, now, session, unit_of_work
from app.errors import NotFound
from app.idempotency import idempotent
from app.ids import new_id
from app.outbox import enqueue
from app.principal import Principal, principal
from app.registry import bulkhead
from app.registry.contract import Plugin
from app.text import Text
from identity.oidc.verify import Verifier

SCOPE = "certificates:read"
Base = db.model_base("bench")


class Certificate(Base):
    """As wide as a certificate's state."""

    __tablename__ = "certificate"
    id: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    party: Mapped[str] = mapped_column(sa.String(40))
    kind: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[str] = mapped_column(sa.Text)
    issuer: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.String(20))
    revision: Mapped[int]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]


class CertificateState(Schema):
    id = fields.String()
    kind = fields.String()
    title = fields.String()
    issuer = fields.String()
    state = fields.String()
    revision = fields.Integer()
    valid_from = fields.DateTime()
    valid_until = fields.DateTime()


class Visit(Base):
    """What a write makes: one row."""

    __tablename__ = "visit"
    id: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    party: Mapped[str] = mapped_column(sa.String(40))
    place: Mapped[str] = mapped_column(sa.String(40))
    note: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(default=now)


class VisitForm(Schema):
    place = fields.String(required=True)
    note = fields.String(required=True)


class VisitShown(Schema):
    id = fields.String()
    place = fields.String()
    note = fields.String()
    created_at = fields.DateTime()


_COLUMNS = [getattr(Certificate, name) for name in CertificateState().dump_fields]
_OWN = sa.select(*_COLUMNS).where(Certificate.id == sa.bindparam("id"), Certificate.party == sa.bindparam("party"))
blueprint = Blueprint("bench", __name__)


@blueprint.route("/certificates/<id>/state")
class State(MethodView):
    """The ordinary path: guard, ORM, object check, schema."""

    @guards.require(SCOPE)
    @blueprint.response(200, CertificateState)
    @hotpath.hot_read(CertificateState, _OWN)
    def get(self, id: str) -> Certificate:
        found = session().get(Certificate, id)
        if found is None or found.party != principal().party:
            raise NotFound()
        return found


def _visit(form: dict[str, str]) -> Visit:
    return add(Visit(id=new_id("visit"), party=principal().party or "", **form))


def _make_visit(who: Principal, form: Mapping[str, Any]) -> dict[str, Any]:
    made = {"id": new_id("visit"), "party": who.party, **form, "created_at": now()}
    audit.record("bench.visit", subject=who.party, object=made["id"])
    enqueue("core.bench", visit=made["id"])
    return made


@blueprint.route("/plain")
class PlainWrite(MethodView):
    """An ORM write without key, audit line or event."""

    @guards.require(SCOPE)
    @blueprint.arguments(VisitForm)
    @blueprint.response(201, VisitShown)
    def post(self, form: dict[str, str]) -> Visit:
        return _visit(form)


@blueprint.route("/visits")
class IdempotentWrite(MethodView):
    """The kernel's ordinary way: key, row, audit line and event in one transaction."""

    @guards.require(SCOPE)
    @idempotent
    @blueprint.arguments(VisitForm)
    @blueprint.response(201, VisitShown)
    @hotpath.hot_write(form=VisitForm, shown=VisitShown, table=Visit.__table__, make=_make_visit)
    def post(self, form: dict[str, str]) -> Visit:
        made = _visit(form)
        audit.record("bench.visit", subject=made.party, object=made.id)
        enqueue("core.bench", visit=made.id)
        return made


class City(Flask):
    """One unit of work for each request, as `app.factory` has it."""

    def dispatch_request(self) -> Any:
        from flask import request

        with unit_of_work(read_only=request.method == "GET"):
            return self.make_response(super().dispatch_request())


def make_app() -> Flask:
    """Return the app of the environment's SUXIN_DATABASE_URL and SUXIN_KEY_FILE."""
    settings = Settings.from_env(os.environ)
    app = City("bench")
    app.config.update(SETTINGS=settings, API_TITLE="bench", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    errors.install(app)
    telemetry.install(app)
    db.install(app, db.Database.connect(settings.database_url, pool_size=4, statement_timeout_ms=5000))
    assert settings.key_file is not None
    crypto.install(app, crypto.KeyRing.read(settings.key_file))
    guards.install(app)
    guards.token_verifier.bind(app, "identity", Verifier())
    Api(app).register_blueprint(blueprint, url_prefix="/api")
    _peers(app, settings.database_url)
    if os.environ.get("SUXIN_BENCH_HOT") == "1":
        hotpath.install(app)
    return app


_RAW = (
    "select id, kind, title, issuer, state, revision, valid_from, valid_until"
    " from bench.certificate where id = %s and party = %s"
)


def _peers(app: Flask, url: str) -> None:
    pool = ConnectionPool(url, min_size=1, max_size=2, open=False, kwargs={"autocommit": True, "prepare_threshold": 0})

    @app.get("/peer/raw/<id>")
    @guards.require(SCOPE)
    def raw(id: str) -> Response:
        pool.open()
        with pool.connection() as connection:
            row = connection.execute(_RAW, (id, principal().party), binary=True).fetchone()
        if row is None:
            raise NotFound()
        return Response(orjson.dumps(dict(zip(_NAMES, row, strict=True))), content_type="application/json")

    @app.get("/peer/slow")
    @guards.public(because="a benchmark's slow plugin")
    def slow() -> dict[str, str]:
        # A plugin's view gives its connection back before it waits; the hold is the registry's own.
        time.sleep(1)
        return {"state": "late"}

    plugin = Plugin(name="slow", title=Text("慢", "Slow"), version="1", api=(1, 0), slots=2)
    bulkhead.hold(app, plugin, ["slow"])

    @app.get("/peer/static")
    @guards.public(because="a benchmark's floor")
    def fixed() -> dict[str, str]:
        return {"state": "valid"}


_NAMES = list(CertificateState().dump_fields)
