"""A card as evidence of presence: its number, with its PIN or its owner's one-time code."""

from __future__ import annotations

from functools import cache

from sqlalchemy import select

from app.db import session
from app.presence.codes import CodeProvider
from app.presence.ports import Evidence, Judgement
from identity.cards import service
from identity.cards.models import PresenceCard
from identity.parties.models import Person

_WRONG = Judgement(decision="not_matched", reason="card_wrong")


class CardProvider:
    """Judges a card. An unknown number takes as long, and answers the same, as a wrong PIN."""

    needs_capture = False

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the card's owner, or `not_matched`; a code is spent whatever comes of it."""
        card = _card(evidence.claim.get("card_number", ""))
        if evidence.pin is not None:
            return _by_pin(card, evidence.pin)
        owner = CodeProvider().judge(evidence).party
        if card is None or owner != card.person_id:
            return _WRONG
        return Judgement(decision="matched", reason="matched", party=card.person_id, level="card_code")


def _by_pin(card: PresenceCard | None, pin: str) -> Judgement:
    kept = card.pin if card is not None and card.pin is not None else _decoy()
    fits = service.pin_fits(kept, pin)
    if card is None or card.pin is None or not fits:
        return _WRONG
    return Judgement(decision="matched", reason="matched", party=card.person_id, level="card_pin")


def _card(number: str) -> PresenceCard | None:
    return session().scalars(
        select(PresenceCard)
        .join(Person, Person.id == PresenceCard.person_id)
        .where(
            PresenceCard.number_index == service.index_of(number), PresenceCard.state == "active",
            Person.state == "active",
        )
    ).first()  # fmt: skip


@cache
def _decoy() -> str:
    return service.hashed("no card has this")
