"""The city itself as the served app of the named reads and writes: compiled or ordinary, and its peers by hand.

SUXIN_BENCH_HOT=1 leaves the compiled path in front, as the product has it;
without it every answer is the ordinary one.
"""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from typing import Any

import orjson
from flask import Flask, Response, request
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from app import crypto, guards
from app.config import Settings
from app.db import add, now
from app.errors import NotFound
from app.factory import create_app
from app.presence.models import PresenceSession
from app.presence.schemas import Session, SessionForm
from app.principal import Kind, principal

VERIFIERS = [Kind.TERMINAL, Kind.OFFICIAL, Kind.CLIENT]
_STATE = (
    "select id, type, version, state, issued_at, expires_at, state_changed_at from app.certificate where id = %(key)s"
)
_MATTER = (
    "select code, category, title_zh, title_en, owner, area, statutory_days, promised_days, materials, channels,"
    " source, changed_at from app.matter where code = %(key)s"
)
_ME = (
    "select name_sealed, mobile_tail, area, proofing_level from identity.person where id = %(key)s and state = 'active'"
)


def make_app() -> Flask:
    """Return the product's app of the environment's settings, with the peers' routes."""
    settings = Settings.from_env(os.environ)
    app = create_app(settings)
    if os.environ.get("SUXIN_BENCH_HOT") != "1":
        app.wsgi_app = app.extensions["suxin.hotpath"].ordinary  # type: ignore[method-assign]
    _peers(app, settings.database_url)
    return app


def _peers(app: Flask, url: str) -> None:
    pool = ConnectionPool(
        url, min_size=1, max_size=2, open=False,
        kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
    )  # fmt: skip

    def one(statement: str, key: str | None) -> dict[str, Any]:
        pool.open()
        with pool.connection() as connection:
            row: dict[str, Any] | None = connection.execute(statement, {"key": key}, binary=True).fetchone()  # type: ignore[arg-type, assignment]
        if row is None:
            raise NotFound()
        return row

    @app.get("/peer/certificates/<key>/state")
    @guards.require("certificates:verify", kinds=VERIFIERS)
    def state(key: str) -> Response:
        return _json(one(_STATE, key))

    @app.get("/peer/matters/<key>")
    @guards.public(because="a benchmark's peer of a public read")
    def matter(key: str) -> Response:
        return _json(one(_MATTER, key))

    @app.get("/peer/me")
    @guards.require("profile", kinds=[Kind.CITIZEN])
    def me() -> Response:
        who = principal()
        row = one(_ME, who.party)
        place = f"person/{who.party}/name"
        name = crypto.open_sealed(row.pop("name_sealed"), purpose="person", place=place).decode()
        shown = {"id": who.subject, "name": name[:1] + "*" * max(1, len(name) - 1)}
        return _json(shown | row | {"authentication_level": who.authentication_level})

    @app.post("/peer/presence/sessions")
    @guards.require("presence:verify", kinds=[Kind.TERMINAL])
    def plain_session() -> tuple[dict[str, Any], int]:
        # The same row by the ORM alone: no key, no audit line.
        form: dict[str, Any] = SessionForm().load(request.get_json())  # type: ignore[assignment]
        who, at = principal(), now()
        opened = add(
            PresenceSession(
                terminal=who.terminal or who.actor, organisation=who.organisation, place=who.place,
                purpose=form["purpose"], nonce=secrets.token_urlsafe(24),
                expires_at=at + timedelta(seconds=form["ttl_seconds"]),
            )
        )  # fmt: skip
        shown: dict[str, Any] = Session().dump(opened)  # type: ignore[assignment]
        return shown, 201

    @app.get("/peer/static")
    @guards.public(because="a benchmark's floor")
    def fixed() -> dict[str, str]:
        return {"state": "valid"}


def _json(value: dict[str, Any]) -> Response:
    return Response(orjson.dumps(value), content_type="application/json")
