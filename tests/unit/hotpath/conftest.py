"""A small app with one ordinary read that is also compiled, over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime

import pytest
import sqlalchemy as sa
from flask import Flask, Request
from flask.views import MethodView
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app import db, errors
from app.guards import authenticate, require, token_verifier
from app.hotpath import hot_read, install
from app.principal import Kind, Principal, principal
from benchmarks.cluster import cluster

Base = db.model_base("probe")


class Paper(Base):
    __tablename__ = "paper"
    id: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    party: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[str | None] = mapped_column(sa.Text)
    copies: Mapped[int | None] = mapped_column(sa.BigInteger)
    valid: Mapped[bool | None]
    issued_at: Mapped[datetime | None]
    born: Mapped[date | None]
    extra: Mapped[object] = mapped_column(JSONB(none_as_null=True), nullable=True)


class PaperShown(Schema):
    id = fields.String()
    title = fields.String()
    copies = fields.Integer()
    valid = fields.Boolean()
    issued_at = fields.DateTime(data_key="issuedAt")
    extra = fields.Raw()


class PaperWithBirth(PaperShown):
    born = fields.Date()


class Verifier:
    """Knows bearer tokens `who:scopes`; remembers those it saw and did not revoke."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.revoked: set[str] = set()

    def verify(self, incoming: Request, *, audience: str) -> Principal | None:
        token = incoming.headers.get("Authorization")
        if token is None:
            return None
        if token in self.revoked:
            raise errors.NotSignedIn()
        self.seen.add(token)
        return self._who(token)

    def memory(self, app: Flask, *, audience: str) -> Callable[[str], Principal | None]:
        return lambda authorization: self._who(authorization) if authorization in self.seen - self.revoked else None

    def _who(self, token: str) -> Principal:
        party, _, scopes = token.removeprefix("Bearer ").partition(":")
        return Principal(kind=Kind.CITIZEN, actor=party, party=party, scopes=frozenset(scopes.split(",")))


def _query(schema: type[Schema]) -> sa.Select[tuple[object, ...]]:
    columns = [getattr(Paper, field.attribute or name) for name, field in schema().dump_fields.items()]
    return sa.select(*columns).where(Paper.id == sa.bindparam("id"), Paper.party == sa.bindparam("party"))


def _resource(path: str, schema: type[Schema]) -> Blueprint:
    blueprint = Blueprint(path.strip("/"), __name__)

    @blueprint.route(f"/api{path}/<id>/state")
    class State(MethodView):
        @require("papers:read")
        @blueprint.response(200, schema)
        @hot_read(schema, _query(schema))
        def get(self, id: str) -> Paper:
            found = db.session().get(Paper, id)
            if found is None or found.party != principal().party:
                raise errors.NotFound()
            return found

    return blueprint


@pytest.fixture(scope="session")
def probe_app() -> Iterator[Flask]:
    with cluster(fsync=False) as (url, _pid):
        app = Flask("probe")
        app.config.update(API_TITLE="probe", API_VERSION="1", OPENAPI_VERSION="3.1.0", SETTINGS=_Settings)
        held = db.Database.connect(url, pool_size=2, statement_timeout_ms=5000)
        db.install(app, held)
        errors.install(app)
        app.extensions["suxin.unexpected"] = _raise
        app.extensions["suxin.authenticate"] = authenticate
        token_verifier.bind(app, "probe", Verifier())
        api = Api(app)
        api.register_blueprint(_resource("/papers", PaperShown))
        api.register_blueprint(_resource("/births", PaperWithBirth))
        _one_unit_of_work_per_request(app)
        with held.write.begin() as connection:
            connection.execute(sa.schema.CreateSchema("probe"))
            Base.metadata.create_all(connection)
        app.extensions["ordinary"] = app.wsgi_app
        install(app)
        yield app
        app.extensions["suxin.hotpath"].lines.close()
        held.dispose()


class _Settings:
    base_url = "http://127.0.0.1"


def _raise(error: Exception) -> None:
    raise error


def _one_unit_of_work_per_request(app: Flask) -> None:
    inner = app.full_dispatch_request

    def dispatch() -> object:
        with db.unit_of_work(read_only=True):
            return inner()

    app.full_dispatch_request = dispatch  # type: ignore[method-assign, assignment]
