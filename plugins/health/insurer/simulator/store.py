"""The simulated insurer's own books, in its own database."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from plugins.health.insurer.simulator.world import World

Row = dict[str, Any]
SCHEME_CODES = {"employee": "310", "resident": "390"}

_TABLES = """
CREATE TABLE IF NOT EXISTS insured (
    psn_no text PRIMARY KEY, token_hash text NOT NULL UNIQUE, resident_hash text NOT NULL UNIQUE, name text NOT NULL,
    resident_id text NOT NULL, area text NOT NULL, insutype text NOT NULL, standing text NOT NULL,
    balance bigint NOT NULL CHECK (balance >= 0));
CREATE TABLE IF NOT EXISTS covered (
    code text PRIMARY KEY, price_limit bigint NOT NULL, copay integer NOT NULL CHECK (copay BETWEEN 0 AND 10000));
CREATE TABLE IF NOT EXISTS sign_in (
    sign_no text PRIMARY KEY, institution text NOT NULL, operator text NOT NULL, day date NOT NULL,
    UNIQUE (institution, operator, day));
CREATE TABLE IF NOT EXISTS settlement (
    setl_id text PRIMARY KEY, msgid text NOT NULL UNIQUE, institution text NOT NULL,
    psn_no text NOT NULL REFERENCES insured, day date NOT NULL,
    fund bigint NOT NULL, account bigint NOT NULL, cash bigint NOT NULL,
    state text NOT NULL DEFAULT 'booked' CHECK (state IN ('booked', 'undone', 'reversed')));
CREATE TABLE IF NOT EXISTS reversal (omsgid text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS message (
    msgid text PRIMARY KEY, infno text NOT NULL, digest text NOT NULL, answer jsonb NOT NULL);
"""


def hashed(value: str) -> str:
    """Return the hash under which the register finds a token or an ID number."""
    return hmac.new(b"simulated insurer", value.encode(), hashlib.sha256).hexdigest()


class Store:
    """Connections to the simulator's database."""

    def __init__(self, url: str) -> None:
        self._pool: ConnectionPool[Connection[Row]] = ConnectionPool(
            url, min_size=1, max_size=8, kwargs={"row_factory": dict_row}, open=True
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection[Row]]:
        """Open one transaction; it commits at the end of the block."""
        with self._pool.connection() as connection:
            yield connection

    def create(self, world: World) -> None:
        """Make tables and fill in whoever and whatever is not there yet."""
        with self.transaction() as books:
            books.execute("SELECT pg_advisory_xact_lock(7301)")
            books.execute(_TABLES)
            with books.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO insured VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    [
                        (
                            "P" + hashed(each.resident_id)[:19].upper(), hashed(each.token), hashed(each.resident_id),
                            each.name, each.resident_id, each.area, SCHEME_CODES[each.scheme], each.standing,
                            each.balance_fen,
                        )
                        for each in world.insured
                    ],
                )  # fmt: skip
                cursor.executemany(
                    "INSERT INTO covered VALUES (%s, %s, %s) ON CONFLICT (code) DO UPDATE"
                    " SET price_limit = excluded.price_limit, copay = excluded.copay",
                    [(each.code, each.limit_fen, each.copay_basis_points) for each in world.covered],
                )
