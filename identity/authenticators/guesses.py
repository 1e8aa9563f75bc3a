"""How often one source may guess: per target, and over all targets; never by a log-in name alone.

A limit by log-in name alone would let anyone lock anyone out. What is asked
for only after a first factor (a second factor's code) is limited by itself,
from wherever the guesses come: only who has the first factor can use them up.
Counts are committed before anything is tried, so parallel guesses gain nothing.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from app import crypto
from app.db import driver, now, unit_of_work
from app.errors import TooManyRequests
from app.text import Text

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


# On the way of every log-in: plain statements of one shape, which the driver alone sends at a third of the cost.
_COUNT = """
insert into identity.guess_count as held (target, source, guesses, window_started_at)
select target, source, 1, %(now)s from unnest(%(targets)s::bytea[], %(sources)s::text[]) as asked (target, source)
on conflict (target, source) do update set
  guesses = case when held.window_started_at > %(since)s then held.guesses + 1 else 1 end,
  window_started_at = case when held.window_started_at > %(since)s then held.window_started_at else %(now)s end
returning target, source, guesses
"""
# Taken in the order of `counted`, before `_FORGIVE` takes them in its own.
_HOLD = """
select from identity.guess_count
where (target, source) in ((%(target)s, %(at)s), (%(any)s, %(source)s)) order by target, source for update
"""
_FORGIVE = """
with gone as (delete from identity.guess_count where target = %(target)s and source = %(at)s)
update identity.guess_count set guesses = greatest(guesses - 1, 0) where target = %(any)s and source = %(source)s
"""


def admit(name: str, source: str) -> None:
    """Count one guess at a target from a source, for good, before it is tried; raises `TooManyGuesses`."""
    count(*limits_of(name, source))


def limits_of(name: str, source: str) -> tuple[Limit, ...]:
    """Return what one guess at a target from a source counts against."""
    place = network(source)
    return Limit(name, place, PER_TARGET), Limit(_ANY, place, PER_SOURCE)


def admit_second(authenticator: str, source: str) -> None:
    """Count one guess at a second factor, wherever it comes from, and at its source; raises `TooManyGuesses`."""
    count(Limit(authenticator, EVERYWHERE, PER_TARGET), Limit(_ANY, network(source), PER_SOURCE))


def count(*limits: Limit) -> None:
    """Count one guess against every limit, for good, in one statement; raises `TooManyGuesses`."""
    if not within(*limits):
        raise TooManyGuesses(headers={"Retry-After": str(int(WINDOW.total_seconds()))})


def within(*limits: Limit) -> bool:
    """Count one guess against every limit, for good, and tell whether all of them allow it."""
    with unit_of_work():
        return counted(*limits)


def counted(*limits: Limit) -> bool:
    """Count one guess in this unit of work, which the caller commits before it tries anything."""
    most = {(_target(each.target), each.source): each.most for each in limits}
    # Rows are taken in one order by everybody, so that two sources' counts never wait for each other in a ring.
    targets, sources = zip(*sorted(most), strict=True)
    values = {"targets": list(targets), "sources": list(sources), "now": now(), "since": now() - WINDOW}
    rows = driver().execute(_COUNT, values, prepare=True).fetchall()
    return all(guesses <= most[bytes(target), source] for target, source, guesses in rows)


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
    values = {"target": _target(name), "at": target_source, "any": _target(_ANY), "source": source}
    driver().execute(_HOLD, values, prepare=True)
    driver().execute(_FORGIVE, values, prepare=True)


def _target(name: str) -> bytes:
    return crypto.blind_index(name, purpose="guesses")
