"""What a unit of work says last goes with its COMMIT, exactly as it is, or not at all."""

import orjson
import psycopg
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from app.audit import AuditLeaf, record
from app.closing import quoted
from app.db import database, session, unit_of_work
from app.outbox import OutboxEvent, enqueue
from app.principal import Kind, Principal, acting_as

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@given(written=TEXTS, kept=st.binary(max_size=60))
def test_every_text_and_every_byte_comes_back_as_it_was(database_url: str, written: str, kept: bytes) -> None:
    with psycopg.connect(database_url) as link:
        row = link.execute(f"SELECT {quoted(written)}::text, {quoted(kept)}, {quoted(None)}::text".encode()).fetchone()

    assert row == (written, kept, None)


@pytest.mark.parametrize(
    "hostile", ["'); DROP TABLE app.audit_leaf; --", "\\'; SELECT 1; --", "%s %(x)s", "it''s", "宿'迁"]
)
def test_what_callers_choose_stays_a_value(kernel: Flask, hostile: str) -> None:
    who = Principal(kind=Kind.CLIENT, actor=hostile, place=hostile)

    with acting_as(who), unit_of_work():
        record("test.hostile", subject=hostile[:40], object=hostile, details={"said": hostile})
        enqueue("core.hostile", said=hostile)

    with unit_of_work():
        leaf = session().scalars(select(AuditLeaf).where(AuditLeaf.subject == hostile[:40])).one()
        event = session().scalars(select(OutboxEvent).where(OutboxEvent.job == "core.hostile")).one()
        assert orjson.loads(leaf.body)["details"] == {"said": hostile}
        assert (event.arguments["said"], event.acts_under["place"]) == (hostile, hostile)
        session().delete(event)


def _do(statement: str, *, subject: str) -> None:
    with unit_of_work():
        session().execute(text(statement))
        record("test.done", subject=subject)


def test_a_line_that_cannot_be_kept_undoes_the_work(kernel: Flask) -> None:
    with pytest.raises(DBAPIError) as refused:
        _do("CREATE TABLE half (n int)", subject="x" * 41)

    assert "x" * 41 not in str(refused.value)
    with unit_of_work():
        assert session().scalar(text("SELECT to_regclass('half')")) is None


def test_a_constraint_that_is_checked_at_the_commit_undoes_line_and_work(kernel: Flask) -> None:
    with unit_of_work():
        session().execute(text("CREATE TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))

    with pytest.raises(IntegrityError):
        _do("INSERT INTO late VALUES (1), (1)", subject="party_late")

    with unit_of_work():
        assert session().scalar(text("SELECT count(*) FROM late")) == 0
        assert session().scalars(select(AuditLeaf).where(AuditLeaf.subject == "party_late")).all() == []
        session().execute(text("DROP TABLE late"))


def _lose_the_connection() -> None:
    with unit_of_work():
        own = session().scalar(text("SELECT pg_backend_pid()"))
        with database().read.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own})
        record("test.lost", subject="party_lost")


def test_a_lost_connection_is_told_and_not_used_again(kernel: Flask) -> None:
    with pytest.raises(OperationalError) as lost:
        _lose_the_connection()

    assert lost.value.connection_invalidated
    with unit_of_work():
        assert session().scalars(select(AuditLeaf).where(AuditLeaf.subject == "party_lost")).all() == []


def test_a_work_of_audit_lines_alone_is_kept(kernel: Flask) -> None:
    with unit_of_work():
        record("test.alone", subject="party_alone")
    with unit_of_work(read_only=True):
        record("test.alone", subject="party_alone")

    with unit_of_work():
        assert len(session().scalars(select(AuditLeaf).where(AuditLeaf.subject == "party_alone")).all()) == 2
