"""The project's own time field is compiled, not dumped value by value, and reads the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from marshmallow import Schema

from app.fields import Instant
from app.hotpath import serialize


class Shown(Schema):
    at = Instant()


COLUMNS = {"at": sa.column("at", sa.DateTime(timezone=True))}


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        (b"2026-11-24 06:30:00+00", datetime(2026, 11, 24, 6, 30, tzinfo=UTC)),
        (b"2026-11-24 06:30:00.25+00", datetime(2026, 11, 24, 6, 30, 0, 250000, tzinfo=UTC)),
    ],
)
def test_a_compiled_instant_reads_as_the_schema_dumps_it(raw: bytes, moment: datetime) -> None:
    dump = serialize.serializer(Shown, COLUMNS)

    assert dump([raw]) == Shown().dump({"at": moment})


def test_an_instant_needs_no_schema_call() -> None:
    assert serialize._plan(Shown(), {"at": serialize.decoder(COLUMNS["at"])}) is not None
