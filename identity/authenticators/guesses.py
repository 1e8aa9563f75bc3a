"""How often one source may guess: per target, and over all targets; never by a log-in name alone.

A limit by log-in name alone would let anyone lock anyone out. What is asked
for only after a first factor (a second factor's code) is limited by itself,
from wherever the guesses come: only who has the first factor can use them up.
Counts are committed before anything is tried, so parallel guesses gain nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from app import crypto
from app.db import now, session, unit_of_work
from app.errors import TooManyRequests
from app.text import Text
from identity.authenticators.models import GuessCount

WINDOW = timedelta(minutes=15)
PER_TARGET = 5
PER_SOURCE = 100
EVERYWHERE = "*"
_ANY = "*"


class TooManyGuesses(TooManyRequests):
    title = Text("尝试次数过多", "Too many attempts")
    next_step = Text("请 15 分钟后再试，或使用其他方式登录", "Wait 15 minutes or log in another way")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many guesses at a target from a source within one window."""

    target: str
    source: str
    most: int


def admit(name: str, source: str) -> None:
    """Count one guess at a target from a source, for good, before it is tried; raises `TooManyGuesses`."""
    place = network(source)
    count(Limit(name, place, PER_TARGET), Limit(_ANY, place, PER_SOURCE))


def admit_second(authenticator: str, source: str) -> None:
    """Count one guess at a second factor, wherever it comes from, and at its source; raises `TooManyGuesses`."""
    count(Limit(authenticator, EVERYWHERE, PER_TARGET), Limit(_ANY, network(source), PER_SOURCE))


def count(*limits: Limit) -> None:
    """Count one guess against every limit, for good, in one statement; raises `TooManyGuesses`."""
    if not within(*limits):
        raise TooManyGuesses(headers={"Retry-After": str(int(WINDOW.total_seconds()))})


def within(*limits: Limit) -> bool:
    """Count one guess against every limit, for good, and tell whether all of them allow it."""
    most = {(_target(each.target), each.source): each.most for each in limits}
    with unit_of_work():
        counted = session().execute(_counting(sorted(most))).all()
    return all(row.guesses <= most[bytes(row.target), row.source] for row in counted)


def forgive(name: str, source: str) -> None:
    """Take back what a successful log-in counted."""
    _forgive(name, network(source), network(source))


def forgive_second(authenticator: str, source: str) -> None:
    """Take back what a right second factor counted."""
    _forgive(authenticator, EVERYWHERE, network(source))


def network(source: str) -> str:
    """Return the part of an address that one party holds: all of IPv4, the /64 of IPv6."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def _forgive(name: str, target_source: str, source: str) -> None:
    gone = (
        delete(GuessCount)
        .where(GuessCount.target == _target(name), GuessCount.source == target_source)
        .returning(GuessCount.target)
        .cte("gone")
    )
    session().execute(
        update(GuessCount)
        .where(GuessCount.target == _target(_ANY), GuessCount.source == source)
        .values(guesses=func.greatest(GuessCount.guesses - 1, 0))
        .add_cte(gone)
        .execution_options(synchronize_session=False)
    )


def _counting(keys: Sequence[tuple[bytes, str]]) -> ReturningInsert[bytes, str, int]:
    # Rows are taken in one order by everybody, so that two sources' counts never wait for each other in a ring.
    fresh = GuessCount.window_started_at > now() - WINDOW
    rows = [{"target": target, "source": place, "guesses": 1, "window_started_at": now()} for target, place in keys]
    return (
        insert(GuessCount)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[GuessCount.target, GuessCount.source],
            set_={
                "guesses": case((fresh, GuessCount.guesses + 1), else_=1),
                "window_started_at": case((fresh, GuessCount.window_started_at), else_=now()),
            },
        )
        .returning(GuessCount.target, GuessCount.source, GuessCount.guesses)
    )


def _target(name: str) -> bytes:
    return crypto.blind_index(name, purpose="guesses")
