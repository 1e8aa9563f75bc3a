"""How often one source may guess: per target, and over all targets; never by target alone.

A limit by log-in name alone would let anyone lock anyone out.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta

from sqlalchemy import case, delete, func, update
from sqlalchemy.dialects.postgresql import insert

from app import crypto
from app.db import now, session, unit_of_work
from app.errors import TooManyRequests
from app.text import Text
from identity.authenticators.models import GuessCount

WINDOW = timedelta(minutes=15)
PER_TARGET = 5
PER_SOURCE = 100
_ANY = "*"


class TooManyGuesses(TooManyRequests):
    title = Text("尝试次数过多", "Too many attempts")
    next_step = Text("请 15 分钟后再试，或使用其他方式登录", "Wait 15 minutes or log in another way")


def admit(name: str, source: str) -> None:
    """Count one guess, for good, before it is tried; raises `TooManyGuesses`."""
    place = network(source)
    with unit_of_work():
        at_target = _count(_target(name), place)
        at_all = _count(_target(_ANY), place)
    if at_target > PER_TARGET or at_all > PER_SOURCE:
        raise TooManyGuesses(headers={"Retry-After": str(int(WINDOW.total_seconds()))})


def forgive(name: str, source: str) -> None:
    """Take back what a successful log-in counted."""
    place = network(source)
    with unit_of_work():
        session().execute(delete(GuessCount).where(GuessCount.target == _target(name), GuessCount.source == place))
        session().execute(
            update(GuessCount)
            .where(GuessCount.target == _target(_ANY), GuessCount.source == place)
            .values(guesses=func.greatest(GuessCount.guesses - 1, 0))
        )


def network(source: str) -> str:
    """Return the part of an address that one party holds: all of IPv4, the /64 of IPv6."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def _count(target: bytes, source: str) -> int:
    fresh = GuessCount.window_started_at > now() - WINDOW
    counted = session().scalar(
        insert(GuessCount)
        .values(target=target, source=source, guesses=1, window_started_at=now())
        .on_conflict_do_update(
            index_elements=[GuessCount.target, GuessCount.source],
            set_={
                "guesses": case((fresh, GuessCount.guesses + 1), else_=1),
                "window_started_at": case((fresh, GuessCount.window_started_at), else_=now()),
            },
        )
        .returning(GuessCount.guesses)
    )
    return counted or 0


def _target(name: str) -> bytes:
    return crypto.blind_index(name, purpose="guesses")
