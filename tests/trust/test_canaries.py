"""Planted identities are searched for in every table: a dump of the city shows nobody."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from app.db import database
from app.seed import seed
from demo import families, world

_TABLES = text(
    "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
    " WHERE table_schema IN ('app', 'identity', 'health') AND table_type = 'BASE TABLE'"
)


@pytest.fixture
def dump(clean_city: Flask) -> Iterator[Connection]:
    seed(clean_city)
    with clean_city.app_context(), database().write.connect() as connection:
        yield connection
        connection.rollback()


def _found(connection: Connection) -> set[str]:
    words = {w for c in world.load().citizens for w in (c.name, c.resident_id, c.mobile, c.password)}
    words |= {w for c in families.load().wards for w in (c.name, c.resident_id, c.mobile)}
    found = set()
    for table in connection.scalars(_TABLES).all():
        rows = connection.scalars(text(f"SELECT t::text FROM {table} t")).all()
        # bytea prints as hexadecimal digits: clear bytes would hide there.
        hidden = {word: word.encode().hex() for word in words}
        found |= {word for word in words for row in rows if word in row or hidden[word] in row}
    return found


def test_no_identity_lies_in_clear_in_the_database(dump: Connection) -> None:
    assert _found(dump) == set()


@pytest.mark.parametrize("value", ["name", "resident_id", "mobile"])
def test_control_a_planted_leak_is_found(dump: Connection, value: str) -> None:
    leaked = getattr(world.load().citizens[7], value)

    dump.execute(text("UPDATE identity.person SET name_sealed = :leak"), {"leak": leaked.encode()})

    assert leaked in _found(dump)
