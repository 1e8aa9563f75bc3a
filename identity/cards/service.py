"""Enter a card, set its PIN, block it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update

from app import audit, crypto
from app.db import add, now, session
from app.errors import NotFound
from app.ids import new_id
from identity.cards.errors import CardKnown, WeakPin
from identity.cards.models import PresenceCard
from identity.parties.models import Person

SEAL = "presence-card"
PIN_DIGITS = 6
# OWASP's first choice for argon2id, as for passwords.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def issue(*, resident_id: str, number: str) -> PresenceCard:
    """Enter a card that was handed to a citizen; it has no PIN yet. Raises `NotFound`, `CardKnown`."""
    index = crypto.blind_index(resident_id.upper(), purpose="resident-id")
    person = session().scalar(select(Person.id).where(Person.resident_id_index == index, Person.state == "active"))
    if person is None:
        raise NotFound()
    return issue_to(person, number=number)


def issue_to(person: str, *, number: str) -> PresenceCard:
    """Enter a card of a person who is known; raises `CardKnown`."""
    if session().scalar(select(PresenceCard.id).where(PresenceCard.number_index == index_of(number))) is not None:
        raise CardKnown()
    card_id = new_id("card")
    card = add(
        PresenceCard(
            id=card_id, person_id=person, number_index=index_of(number),
            number_sealed=crypto.seal(_plain(number).encode(), purpose=SEAL, place=_place(card_id)),
        )
    )  # fmt: skip
    audit.record("identity.card-issued", subject=person, object=card_id)
    return card


def cards_of(person: str) -> Sequence[PresenceCard]:
    """Return a citizen's own cards."""
    return session().scalars(
        select(PresenceCard).where(PresenceCard.person_id == person).order_by(PresenceCard.issued_at)
    ).all()  # fmt: skip


def number_tail(card: PresenceCard) -> str:
    """Return the last four signs of a card's number, by which its owner tells it from others."""
    return crypto.open_sealed(card.number_sealed, purpose=SEAL, place=_place(card.id)).decode()[-4:]


def set_pin(card_id: str, pin: str, *, person: str) -> None:
    """Give the own card a PIN; raises `NotFound`, `WeakPin`."""
    if _easy(pin):
        raise WeakPin()
    changed = session().scalar(
        update(PresenceCard)
        .where(PresenceCard.id == card_id, PresenceCard.person_id == person, PresenceCard.state == "active")
        .values(pin=_HASHER.hash(pin), changed_at=now())
        .returning(PresenceCard.id)
    )
    if changed is None:
        raise NotFound()
    audit.record("identity.card-pin-set", subject=person, object=card_id)


def block(card_id: str, *, person: str) -> None:
    """Stop the own card for good, from the next use on; raises `NotFound`."""
    changed = session().scalar(
        update(PresenceCard)
        .where(PresenceCard.id == card_id, PresenceCard.person_id == person, PresenceCard.state == "active")
        .values(state="blocked", pin=None, changed_at=now())
        .returning(PresenceCard.id)
    )
    if changed is None:
        raise NotFound()
    audit.record("identity.card-blocked", subject=person, object=card_id)


def index_of(number: str) -> bytes:
    """Return the keyed hash by which a card is found."""
    return crypto.blind_index(_plain(number), purpose="presence-card")


def pin_fits(kept: str, pin: str) -> bool:
    """Tell whether a PIN is the one whose hash is kept."""
    try:
        return _HASHER.verify(kept, pin)
    except (VerificationError, InvalidHashError):
        return False


def hashed(pin: str) -> str:
    """Return the argon2id hash of a PIN."""
    return _HASHER.hash(pin)


def _easy(pin: str) -> bool:
    steps = {int(second) - int(first) for first, second in pairwise(pin)}
    return len(pin) != PIN_DIGITS or len(set(pin)) < 3 or steps in ({1}, {-1})


def _plain(number: str) -> str:
    return number.upper()


def _place(card_id: str) -> str:
    return f"presence_card/{card_id}/number"
