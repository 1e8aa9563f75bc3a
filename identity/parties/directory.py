"""Pairwise subject ids: one party has a different id in every audience."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import crypto
from app.db import database, session, unit_of_work
from identity.parties.models import PairwiseSubject

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class SubjectDirectory:
    """The core's `Directory`: derives subject ids and remembers whom they stand for.

    The id is a keyed hash, so it is the same for ever; the row is written
    when an audience first meets a party. Ids are never reused, so what was
    read once stays true and is kept in memory.
    """

    def __init__(self, remembered: int = 50_000) -> None:
        self._known = lru_cache(remembered)(_remember)
        self._party = lru_cache(remembered)(_look_up)

    def subject_of(self, party: str, audience: str) -> str:
        """Return the id by which this audience knows a party."""
        subject = _derive(party, audience)
        self._known(subject, party, audience, _where())
        return subject

    def party_of(self, subject: str, audience: str) -> str | None:
        """Return the party behind a subject id of this audience, or None."""
        try:
            return self._party(subject, audience, _where())
        except LookupError:
            return None


def _where() -> object:
    # What one database (or a test's transaction) holds says nothing about another.
    return current_app.extensions.get("suxin.db.bind") or database().write


def _derive(party: str, audience: str) -> str:
    digest = hmac.new(crypto.derive("subjects"), f"{party}\0{audience}".encode(), hashlib.sha256).digest()
    value = int.from_bytes(digest[:17], "big")
    return "sub_" + "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def _remember(subject: str, party: str, audience: str, _: object) -> None:
    if session().get(PairwiseSubject, subject) is not None:
        return
    with unit_of_work():
        session().execute(
            insert(PairwiseSubject).values(subject=subject, party=party, audience=audience).on_conflict_do_nothing()
        )


def _look_up(subject: str, audience: str, _: object) -> str:
    party = session().scalar(
        select(PairwiseSubject.party).where(PairwiseSubject.subject == subject, PairwiseSubject.audience == audience)
    )
    if party is None:
        # Raised, not returned: an absence may end and must not be remembered.
        raise LookupError(subject)
    return party


directory = SubjectDirectory()
