"""Register persons and organisations, and read them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import bindparam, select, update

from app import audit, crypto
from app.db import add, now, session
from app.errors import Conflict, NotFound
from app.identifiers import AreaCode, CreditCode, MobileNumber
from app.ids import new_id
from app.people import Profile
from identity.accounts.models import Account
from identity.devices.models import Device
from identity.oidc.revocation import revoke, revoke_grants_of
from identity.parties import ending, people
from identity.parties.models import Organisation, Person, ProofingEvent


@dataclass(frozen=True, slots=True)
class OwnProfile:
    """What a person sees of themselves on a screen others may see too."""

    name: str
    mobile_tail: str
    area: str
    proofing_level: int


def register_person(
    *, name: str, resident_id: str, mobile: str, area: str, source: str, method: str, level: int, demo_key: str | None
) -> Person:
    """Register a person; raises `Conflict` for a proven number already here.

    Below level 3 the number is only stated: it keeps nobody out and finds nobody.
    """
    number = people.resident(resident_id).reveal()
    phone = MobileNumber.parse(mobile).reveal()
    index = people.number_index(number) if level >= people.PROVEN else None
    if index is not None and session().scalar(select(Person.id).where(Person.resident_id_index == index)) is not None:
        raise Conflict
    person_id = new_id("person")
    person = add(
        Person(
            id=person_id,
            resident_id_index=index,
            resident_id_sealed=people.sealed(person_id, "resident_id", number),
            name_sealed=people.sealed(person_id, "name", name),
            mobile_index=crypto.blind_index(phone, purpose="mobile"),
            mobile_sealed=people.sealed(person_id, "mobile", phone),
            mobile_tail=phone[-4:],
            region=area[:6],
            area=area,
            proofing_level=level,
            checked_at=now() if level >= people.PROVEN else None,
            demo_key=demo_key,
        )
    )
    add(ProofingEvent(person_id=person_id, source=source, method=method, level=level))
    audit.record("identity.person-registered", subject=person_id)
    return person


def register_organisation(*, name: str, credit_code: str, area: str, demo_key: str | None = None) -> Organisation:
    """Register a legal person; raises `BadIdentifier` for a wrong credit code or area."""
    AreaCode.parse(area)
    code = CreditCode.parse(credit_code).reveal()
    organisation = add(Organisation(name=name, credit_code=code, area=area, demo_key=demo_key))
    audit.record("identity.organisation-registered", object=organisation.id)
    return organisation


_OWN: tuple[Any, ...] = (Person.name_sealed, Person.mobile_tail, Person.area, Person.proofing_level)
OWN_PROFILE = select(*_OWN).where(Person.id == bindparam("party"), Person.state == "active")


def own_profile(party: str) -> OwnProfile:
    """Return a person's masked profile, in one statement; raises `NotFound`.

    Reading one's own masked profile leaves no audit line: it tells nobody anything new.
    """
    found = session().execute(OWN_PROFILE, {"party": party}).mappings().first()
    if found is None:
        raise NotFound
    return opened_profile(party, cast(Mapping[str, Any], found), crypto.vault())


def opened_profile(party: str, row: Mapping[str, Any], vault: crypto.Vault) -> OwnProfile:
    """Return what a row of `OWN_PROFILE` says; raises `CannotOpen`."""
    name = vault.open(row["name_sealed"], purpose=people.PURPOSE, place=f"person/{party}/name").decode()
    return OwnProfile(people.masked(name), row["mobile_tail"], row["area"], row["proofing_level"])


class People:
    """Identity's answer to the core's `people` port."""

    def profile(self, party: str) -> Profile | None:
        """Return a person's data, or None when there is no such active person."""
        found = session().get(Person, party)
        if found is None or found.state != "active":
            return None
        number = people.number_of(found)
        return Profile(
            party=party,
            name=people.name_of(found),
            resident_id=number.reveal(),
            mobile=people.opened(party, "mobile", found.mobile_sealed),
            area=found.area,
            birth_date=number.birth_date,
            proofing_level=found.proofing_level,
        )


def person_by_number(text: str) -> str | None:
    """Return the active person whose ID number this is, or None; raises `BadIdentifier`."""
    index = people.number_index(people.resident(text).reveal())
    return session().scalar(select(Person.id).where(Person.resident_id_index == index, Person.state == "active"))


def mobile_of(party: str) -> str | None:
    """Return an active person's mobile number and nothing else, or None; raises `CannotOpen`."""
    found = session().get(Person, party)
    if found is None or found.state != "active":
        return None
    return people.opened(party, "mobile", found.mobile_sealed)


class DemoPeopleDirectory:
    """The invented citizens by their keys."""

    def parties(self) -> Mapping[str, str]:
        """Return the key of each demo citizen and organisation to its party id; empty outside the demo."""
        kinds = (select(kind.demo_key, kind.id).where(kind.demo_key.is_not(None)) for kind in (Person, Organisation))
        return {row.demo_key: row.id for kind in kinds for row in session().execute(kind)}


def disable_person(person_id: str) -> None:
    """Stop a person's log-ins, sessions and tokens at once; raises `Conflict`."""
    _disable(Person, person_id)
    session().execute(update(Account).where(Account.person_id == person_id).values(state="disabled"))
    revoke_grants_of(person_id=person_id)
    ending.end_acts_for(person_id)
    ending.end_acts_of(person_id)
    audit.record("identity.person-disabled", subject=person_id)


def disable_organisation(organisation_id: str) -> None:
    """Stop an organisation: whoever acts for it, and its terminals, at once; raises `Conflict`."""
    _disable(Organisation, organisation_id)
    ending.end_acts_for(organisation_id)
    for terminal in session().scalars(select(Device.id).where(Device.organisation_id == organisation_id)).all():
        revoke("client", terminal)
    audit.record("identity.organisation-disabled", object=organisation_id)


def _disable(model: Any, key: str) -> None:
    ended = session().execute(
        update(model).where(model.id == key, model.state == "active").values(state="disabled").returning(model.id)
    )
    if ended.first() is None:
        raise Conflict
