"""Statements that decide and commit by themselves, in one round trip.

They run on the compiled path's own connections (autocommit, prepared); where
there are none, as in a test's rolled-back transaction, in a unit of work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import TextClause, text

from app.db import session, unit_of_work
from app.hotpath.serve import HotPath
from app.hotpath.statement import Statement, StatementFailed, compile_statement

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class OneShot:
    """A statement that returns exactly one row of texts; its parameters are texts, too."""

    clause: TextClause
    compiled: Statement

    @classmethod
    def of(cls, name: str, sql: str) -> OneShot:
        """Prepare a statement."""
        clause = text(sql)
        return cls(clause, compile_statement(f"identity {name}", clause))

    def run(self, values: Mapping[str, str | None]) -> Row:
        """Return the row; what the statement wrote is durable by then."""
        hot = current_app.extensions.get("suxin.hotpath")
        if not isinstance(hot, HotPath) or "suxin.db.bind" in current_app.extensions:
            return self._in_work(values)
        try:
            raw = hot.lines.one(self.compiled, values)
        except StatementFailed:
            # The connection may have been lost after the commit. A second try then finds its own mark and refuses,
            # which is safe: the client makes a new proof.
            return self._in_work(values)
        return tuple(None if each is None else each.decode() for each in raw or ())

    def _in_work(self, values: Mapping[str, str | None]) -> Row:
        with unit_of_work():
            return tuple(session().execute(self.clause, values).one())
