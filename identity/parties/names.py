"""How parties are called on pages and in answers: persons masked, organisations by their public name."""

from __future__ import annotations

from app.db import session
from app.errors import language
from app.text import Text
from identity.parties import people
from identity.parties.acting import Capacity, CapacityKind, is_organisation
from identity.parties.models import Organisation, Person

KINDS = {
    CapacityKind.SELF: Text("本人", "Yourself"),
    CapacityKind.GUARDIAN: Text("监护人", "Guardian"),
    CapacityKind.LEGAL_REPRESENTATIVE: Text("法定代表人", "Legal representative"),
    CapacityKind.AGENT: Text("经办人", "Agent"),
    CapacityKind.MANDATE: Text("受托人", "Holder of a mandate"),
    CapacityKind.STAFF: Text("窗口工作人员", "Window staff"),
}


def name_of(party: str) -> str:
    """Return a person's masked name or an organisation's name."""
    if is_organisation(party):
        organisation = session().get(Organisation, party)
        return organisation.name if organisation is not None else ""
    person = session().get(Person, party)
    return people.masked_name(person) if person is not None else ""


def party_of(capacity: Capacity) -> str:
    """Return whom a capacity represents and as what, in the reader's language.

    Somebody else has the end of a number beside the masked name: two children of one family name look alike without.
    """
    word = KINDS[capacity.kind].to(language())
    other = None if capacity.evidence is None else session().get(Person, capacity.party)
    number = "" if other is None else f" {other.mobile_tail}"
    return f"{name_of(capacity.party)}{number}（{word}）"
