"""A compiled read answers as the ordinary path does, or lets the ordinary path answer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields
from werkzeug.test import Client

from app.db import Database
from app.hotpath import serialize
from app.hotpath.serialize import CannotCompile, serializer
from tests.unit.hotpath.conftest import Paper, Verifier

MINE = {"Authorization": "Bearer li:papers:read,"}
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
INSTANT = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
COLUMNS = st.fixed_dictionaries(
    {
        "title": st.none() | TEXT,
        "copies": st.none() | st.integers(-(2**63), 2**63 - 1),
        "valid": st.none() | st.booleans(),
        "issued_at": st.none() | INSTANT,
        "born": st.none() | st.dates(date(1, 1, 2)),
        "extra": JSON,
    }
)


@pytest.fixture(autouse=True)
def papers(probe_app: Flask) -> None:
    _store(probe_app, title="营业执照")
    verifier = _verifier(probe_app)
    verifier.seen.clear()
    verifier.revoked.clear()


def _verifier(app: Flask) -> Verifier:
    with app.app_context():
        from app.guards import token_verifier

        found = token_verifier.only()
    assert isinstance(found, Verifier)
    return found


def _store(app: Flask, **columns: Any) -> None:
    held: Database = app.extensions["suxin.db"]
    with held.write.begin() as connection:
        connection.execute(sa.delete(Paper))
        connection.execute(sa.insert(Paper).values(id="paper_1", party="li", **columns))


def _get(wsgi: Any, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    answer = Client(wsgi).get(path, headers={**MINE, **headers})
    own = {"X-Request-Id", "Content-Length"}
    return answer.status_code, answer.data, {key: value for key, value in answer.headers if key not in own}


def _warm(app: Flask, path: str = "/api/papers/paper_1/state") -> None:
    _get(app, path)
    _get(app, path)
    assert all(route.headers for route in app.extensions["suxin.hotpath"].routes if route.before in path)


@pytest.mark.parametrize("kind", ["papers", "births"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=COLUMNS)
@example(columns={"title": '宿心办 \u2028\x7f\x01"\\', "issued_at": datetime(2026, 1, 2, 3, 4, 5, 120000, UTC)})
def test_compiled_answer_equals_the_ordinary_one_for_every_value(probe_app: Flask, kind: str, columns: Any) -> None:
    path = f"/api/{kind}/paper_1/state"
    _warm(probe_app, path)
    _store(probe_app, **columns)
    before = probe_app.extensions["suxin.hotpath"].answered

    assert _get(probe_app, path) == _get(probe_app.extensions["ordinary"], path)
    assert probe_app.extensions["suxin.hotpath"].answered == before + 1


def test_the_property_sees_a_serializer_that_drops_the_time_zone(
    probe_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    _store(probe_app, issued_at=datetime(2026, 1, 2, tzinfo=UTC))
    _warm(probe_app)
    route = next(each for each in probe_app.extensions["suxin.hotpath"].routes if "papers" in each.path)
    honest = route.dump
    monkeypatch.setattr(route, "dump", lambda *row: {**honest(*row), "issuedAt": honest(*row)["issuedAt"][:-6]})

    path = "/api/papers/paper_1/state"
    assert _get(probe_app, path) != _get(probe_app.extensions["ordinary"], path)


def test_a_route_whose_answers_differ_never_goes_live(probe_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    route = next(each for each in probe_app.extensions["suxin.hotpath"].routes if "papers" in each.path)
    monkeypatch.setattr(route, "headers", None)
    monkeypatch.setattr(route, "dump", lambda *row: {"id": "forged"})

    for _ in range(3):
        assert b"forged" not in _get(probe_app, "/api/papers/paper_1/state")[1]
    assert route.headers is None


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/papers/paper_2/state", {}, 404),
        ("/api/papers/paper_1/state", {"Authorization": "Bearer wang:papers:read,"}, 404),
        ("/api/papers/paper_1/state", {"Authorization": "Bearer li:other"}, 403),
        ("/api/papers/paper_1/state?x=1", {}, 200),
        ("/api/papers/%E4%B8%AD/state", {}, 404),
    ],
)
def test_everything_unusual_is_answered_by_the_ordinary_path(
    probe_app: Flask, path: str, headers: dict[str, str], status: int
) -> None:
    _warm(probe_app)
    before = probe_app.extensions["suxin.hotpath"].answered

    assert _get(probe_app, path, **headers)[0] == status
    assert probe_app.extensions["suxin.hotpath"].answered == before


def test_a_revoked_token_is_refused_at_once(probe_app: Flask) -> None:
    _warm(probe_app)
    _verifier(probe_app).revoked.add(MINE["Authorization"])

    assert _get(probe_app, "/api/papers/paper_1/state")[0] == 401


def test_a_lost_connection_is_answered_by_the_ordinary_path_and_healed(probe_app: Flask) -> None:
    _warm(probe_app)
    with probe_app.extensions["suxin.db"].write.begin() as connection:
        connection.execute(
            sa.text("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'suxin-hot'")
        )
    before = probe_app.extensions["suxin.hotpath"].answered

    assert _get(probe_app, "/api/papers/paper_1/state")[0] == 200
    assert _get(probe_app, "/api/papers/paper_1/state")[0] == 200
    assert probe_app.extensions["suxin.hotpath"].answered == before + 1


def test_a_field_without_a_selected_column_stops_the_start() -> None:
    class Shown(Schema):
        missing = fields.String()

    with pytest.raises(CannotCompile, match="missing"):
        serializer(Shown, {"id": Paper.__table__.c.id})


def test_the_quick_instant_is_used_only_for_the_plain_form() -> None:
    assert serialize.iso_instant(b"2026-01-02 03:04:05+00") == "2026-01-02T03:04:05+00:00"
    assert serialize.iso_instant(b"2026-01-02 03:04:05.12+00") == "2026-01-02T03:04:05.120000+00:00"
