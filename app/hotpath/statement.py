"""Prepared statements over libpq: one connection per thread, opened after the fork."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg import pq
from psycopg.conninfo import make_conninfo
from sqlalchemy.dialects import postgresql

from app.hotpath.serialize import CannotCompile


class StatementFailed(RuntimeError):
    """The server refused a statement or the connection was lost."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement with numbered parameters; a name without a constant is filled per call."""

    name: bytes
    sql: bytes
    order: tuple[str, ...]
    constants: Mapping[str, bytes | None]

    def parameters(self, values: Mapping[str, str | None]) -> list[bytes | None]:
        """Return the parameters in the statement's order."""
        known = self.constants
        return [known[name] if name in known else _bytes(values[name]) for name in self.order]

    @property
    def needed(self) -> frozenset[str]:
        """Names that each call must fill."""
        return frozenset(self.order) - frozenset(self.constants)


def compile_statement(name: str, query: sa.ClauseElement) -> Statement:
    """Compile a query to PostgreSQL once; its constants are bound for ever."""
    dialect: Any = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    compiled: Any = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    open_names = {str(key) for key, bind in compiled.binds.items() if bind.required}
    constants = {key: _constant(value) for key, value in compiled.params.items() if key not in open_names}
    return Statement(name.encode(), str(compiled).encode(), tuple(compiled.positiontup or ()), constants)


def _constant(value: Any) -> bytes | None:
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if value is None or isinstance(value, str | int):
        return _bytes(None if value is None else str(value))
    raise CannotCompile(f"a constant of type {type(value).__name__} in a hot read")


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


class Lines:
    """Connections of one process: one for each thread that asks."""

    def __init__(self, url: str, options: str) -> None:
        self._conninfo = make_conninfo(url, options=options, application_name="suxin-hot").encode()
        self._local = threading.local()

    def one(self, statement: Statement, values: Mapping[str, str | None]) -> list[bytes | None] | None:
        """Return the texts of the only row, or None without one; raises `StatementFailed`."""
        return self.row(statement, statement.parameters(values))

    def row(self, statement: Statement, parameters: Sequence[bytes | None]) -> list[bytes | None] | None:
        """Return the texts of the only row for parameters that are in the statement's order already."""
        try:
            result = self._run(statement, parameters)
        except (psycopg.Error, StatementFailed) as error:
            self.close()
            raise StatementFailed(statement.name.decode()) from error
        if result.ntuples != 1:
            return None
        return [result.get_value(0, at) for at in range(result.nfields)]

    def close(self) -> None:
        """Drop this thread's connection; the next call opens another."""
        line: pq.abc.PGconn | None = self._local.__dict__.pop("line", None)
        self._local.__dict__.pop("prepared", None)
        if line is not None:
            line.finish()

    def _run(self, statement: Statement, parameters: Sequence[bytes | None]) -> pq.abc.PGresult:
        held = self._local.__dict__
        line = held.get("line") or self._open()
        if statement.name not in held["prepared"]:
            self._prepare(line, statement)
        result = line.exec_prepared(statement.name, cast(Sequence[bytes], parameters))
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise StatementFailed("refused")
        return result

    def _open(self) -> pq.abc.PGconn:
        line = pq.PGconn.connect(self._conninfo)
        if line.status != pq.ConnStatus.OK:
            line.finish()
            raise StatementFailed("no connection")
        self._local.line, self._local.prepared = line, set()
        return line

    def _prepare(self, line: pq.abc.PGconn, statement: Statement) -> None:
        result = line.prepare(statement.name, statement.sql)
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise StatementFailed(f"prepare {statement.name.decode()}")
        self._local.prepared.add(statement.name)
