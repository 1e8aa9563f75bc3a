"""From an outside account to an account here: by an earlier link, or by a proven ID number; never by name or e-mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import audit, crypto
from app.config import Settings
from app.db import now, session
from app.errors import NotFound
from app.guards import Kind, Principal, acting_as
from app.identifiers import BadIdentifier, ResidentId
from app.ids import new_id
from identity.accounts.models import Account
from identity.federation.client import Proven
from identity.federation.errors import AnotherPerson, NobodyKnown, TurnedOff
from identity.federation.models import ProviderLink
from identity.federation.providers import Offer, Provider, offered
from identity.parties.models import Person

# Below it a number is only stated: whoever stated another's would be handed that person's log-in.
_PROVEN_LEVEL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a person stands with a provider: whether it opens their account, and when it last did."""

    offer: Offer
    linked: bool
    allowed: bool
    used_at: datetime | None


def account_of(provider: Provider, proven: Proven) -> Account:
    """Return the account an outside log-in opens, linking it the first time.

    Raises `NobodyKnown`, `TurnedOff` or `AnotherPerson`.
    """
    subject = _index(provider, proven.subject)
    known = _by_subject(provider.key, subject)
    account = _linked(known, proven) if known is not None else _matched(proven)
    link = known or _made(provider.key, account)
    if link.ended_at is not None:
        raise TurnedOff
    if link.subject_index != subject:
        link.subject_index = subject
        _record("identity.provider-linked", account, provider.key)
    link.used_at = now()
    return account


def standings(account_id: str) -> list[Standing]:
    """Return how an account stands with every provider on offer."""
    rows = {row.provider: row for row in _links_of(account_id)}
    return [_standing(each, rows.get(each.key)) for each in offered()]


def turn_off(account: Account, key: str) -> None:
    """Let a provider open this account no more; raises `NotFound` for a provider not on offer."""
    _known_offer(key)
    link = _made(key, account)
    if link.ended_at is None:
        link.ended_at = now()
        _record("identity.provider-turned-off", account, key)


def turn_on(account: Account, key: str) -> None:
    """Let a provider open this account again; raises `NotFound` for a provider not on offer."""
    _known_offer(key)
    link = _made(key, account)
    if link.ended_at is not None:
        link.ended_at = None
        _record("identity.provider-turned-on", account, key)


def _linked(link: ProviderLink, proven: Proven) -> Account:
    account = _active(Account.id == link.account_id)
    if account is None:
        raise NobodyKnown
    if proven.id_number is not None:
        person = session().get_one(Person, account.person_id)
        if person.resident_id_index != _number(proven.id_number):
            raise AnotherPerson
    return account


def _matched(proven: Proven) -> Account:
    if proven.id_number is None:
        raise NobodyKnown
    number = _number(proven.id_number)
    account = _active(Person.resident_id_index == number, Person.proofing_level >= _PROVEN_LEVEL)
    if account is None:
        raise NobodyKnown
    return account


def _active(*wanted: object) -> Account | None:
    return session().scalars(
        select(Account)
        .join(Person, Person.id == Account.person_id)
        .where(*wanted, Account.state == "active", Person.state == "active")  # type: ignore[arg-type]
        .order_by(Account.created_at)
        .limit(1)
    ).first()  # fmt: skip


def _made(key: str, account: Account) -> ProviderLink:
    # Two log-ins at once meet on the unique key, and both go on with the one row.
    session().execute(
        insert(ProviderLink)
        .values(id=new_id("link"), provider=key, account_id=account.id, made_at=now())
        .on_conflict_do_nothing(index_elements=["provider", "account_id"])
    )
    wanted = select(ProviderLink).where(ProviderLink.provider == key, ProviderLink.account_id == account.id)
    return session().scalars(wanted.with_for_update()).one()


def _by_subject(key: str, subject: bytes) -> ProviderLink | None:
    wanted = select(ProviderLink).where(ProviderLink.provider == key, ProviderLink.subject_index == subject)
    return session().scalars(wanted.with_for_update()).first()


def _links_of(account_id: str) -> Sequence[ProviderLink]:
    return session().scalars(select(ProviderLink).where(ProviderLink.account_id == account_id)).all()


def _standing(offer: Offer, link: ProviderLink | None) -> Standing:
    return Standing(
        offer=offer,
        linked=link is not None and link.subject_index is not None,
        allowed=link is None or link.ended_at is None,
        used_at=link.used_at if link is not None else None,
    )


def _known_offer(key: str) -> None:
    if key not in {each.key for each in offered()}:
        raise NotFound


def _index(provider: Provider, subject: str) -> bytes:
    return crypto.blind_index(f"{provider.issuer}\0{subject}", purpose="provider-subject")


def _number(text: str) -> bytes:
    try:
        number = ResidentId.parse(text, demo=cast(Settings, current_app.config["SETTINGS"]).demo)
    except BadIdentifier:
        raise NobodyKnown from None
    return crypto.blind_index(number.reveal(), purpose="resident-id")


def _record(action: str, account: Account, key: str) -> None:
    with acting_as(Principal(kind=Kind.CITIZEN, actor=account.person_id)):
        audit.record(action, subject=account.person_id, object=account.id, details={"provider": key})
