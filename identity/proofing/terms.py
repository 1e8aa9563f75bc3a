"""What the city asks outside registers, in its own words; each port has an adapter over HTTP and a simulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from app.ports import Port


class Verdict(StrEnum):
    """What a register says about what it was shown."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    DECEASED = "deceased"
    EXPIRED = "expired"
    DISPUTED = "disputed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Holder:
    """A name and a resident number, as stated."""

    name: str = field(repr=False)
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """What stands on an identity card beside name and number."""

    serial: str = field(repr=False)
    valid_until: date


@dataclass(frozen=True, slots=True)
class Representation:
    """What the legal-person register says of an organisation and its legal representative."""

    verdict: Verdict
    name: str = ""
    area: str = ""


@dataclass(frozen=True, slots=True)
class NetworkProof:
    """What the national network identity says of a ticket: an identifier that says nothing by itself."""

    verdict: Verdict
    identifier: str = field(default="", repr=False)


class RegisterDown(Exception):
    """A register did not answer in time, or not as its interface promises; nothing is known."""


class PopulationRegister(Protocol):
    """The population register (人口库). Every call raises `RegisterDown`."""

    def match(self, holder: Holder) -> Verdict:
        """Tell whether a living person bears this name and number."""

    def document(self, holder: Holder, document: Document) -> Verdict:
        """Tell whether this card was issued to this person and is valid."""

    def guardianship(self, guardian: Holder, ward: Holder) -> Verdict:
        """Tell whether one is the other's guardian; `DISPUTED` while a court decides."""


class LegalPersonRegister(Protocol):
    """The register of legal persons (法人库). Raises `RegisterDown`."""

    def representative(self, credit_code: str, holder: Holder) -> Representation:
        """Tell whether a person is the legal representative of an organisation in existence."""


class NetworkIdentityService(Protocol):
    """The national network identity (网号, 网证; Decree 173). Raises `RegisterDown`."""

    def verify(self, ticket: str, holder: Holder) -> NetworkProof:
        """Redeem the one-time ticket of the national app and tell whether it is this person's."""


population_register: Port[PopulationRegister] = Port("identity.population_register")
legal_person_register: Port[LegalPersonRegister] = Port("identity.legal_person_register")
network_identity: Port[NetworkIdentityService] = Port("identity.network_identity")
