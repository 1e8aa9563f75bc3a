"""The last statements of a unit of work travel with its COMMIT: one round trip for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import psycopg
from psycopg import errors, pq
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_GOOD = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


def quoted(value: str | bytes | None) -> str:
    """Return a value as an SQL literal.

    Our connections keep standard_conforming_strings on: a doubled quote is all
    that a text needs. PostgreSQL itself refuses a zero byte.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    return "'" + value.replace("'", "''") + "'"


def say(session: Session, statements: Sequence[str], *, commit: bool) -> None:
    """Run statements whose values are quoted, and COMMIT with them; all of it or nothing.

    What the session changed is flushed first. Raises SQLAlchemy's own errors.
    Parameters would cost a round trip a statement: a prepared statement cannot
    share one with COMMIT.
    """
    session.flush()
    connection = session.connection()
    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    words = list(statements)
    if commit:
        begun = driver.pgconn.transaction_status != pq.TransactionStatus.IDLE
        words = [*([] if begun else ["BEGIN"]), *words, "COMMIT"]
    result = driver.pgconn.exec_(";".join(words).encode())
    if result.status not in _GOOD:
        raise _error(connection, driver, result)


def _error(connection: Connection, driver: psycopg.Connection[Any], result: pq.abc.PGresult) -> DBAPIError:
    lost = driver.pgconn.status == pq.ConnStatus.BAD
    if lost:
        connection.invalidate()
    cause = errors.OperationalError("the connection was lost") if lost else errors.error_from_result(result)
    # Statement and parameters stay out of it: they hold what people typed.
    made = DBAPIError.instance(
        None, None, cause, psycopg.Error, hide_parameters=True, connection_invalidated=lost, dialect=connection.dialect
    )
    return cast(DBAPIError, made)
