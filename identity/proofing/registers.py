"""The three registers behind their HTTP interfaces; swapping in the real ones touches this file only."""

from __future__ import annotations

import hashlib

from identity.proofing import wire
from identity.proofing.terms import Document, Holder, NetworkProof, Representation, Verdict


class PopulationOverHttp:
    """Speaks to the population register."""

    def match(self, holder: Holder) -> Verdict:
        """Tell whether a living person bears this name and number."""
        return wire.verdict("population", wire.ask("population", "match", _said(holder)))

    def document(self, holder: Holder, document: Document) -> Verdict:
        """Tell whether this card was issued to this person and is valid."""
        card = {"serial": document.serial, "valid_until": document.valid_until.isoformat()}
        return wire.verdict("population", wire.ask("population", "document", _said(holder) | card))

    def guardianship(self, guardian: Holder, ward: Holder) -> Verdict:
        """Tell whether one is the other's guardian."""
        both = {"guardian": _said(guardian), "ward": _said(ward)}
        return wire.verdict("population", wire.ask("population", "guardianship", both))


class LegalPersonsOverHttp:
    """Speaks to the register of legal persons."""

    def representative(self, credit_code: str, holder: Holder) -> Representation:
        """Tell whether a person is the legal representative of an organisation in existence."""
        said = wire.ask("legal_register", "representative", _said(holder) | {"credit_code": credit_code})
        verdict = wire.verdict("legal_register", said)
        if verdict is not Verdict.MATCHED:
            return Representation(verdict)
        name, area = (wire.text("legal_register", said, each) for each in ("name", "area"))
        return Representation(verdict, name, area)


class NetworkIdentityOverHttp:
    """Speaks to the national network identity: name and number leave as a digest only."""

    def verify(self, ticket: str, holder: Holder) -> NetworkProof:
        """Redeem the one-time ticket of the national app and tell whether it is this person's."""
        digest = hashlib.sha256(f"{holder.number}|{holder.name}".encode()).hexdigest()
        said = wire.ask("network_identity", "verify", {"ticket": ticket, "holder": digest})
        verdict = wire.verdict("network_identity", said)
        if verdict is not Verdict.MATCHED:
            return NetworkProof(verdict)
        return NetworkProof(verdict, wire.text("network_identity", said, "identifier"))


def _said(holder: Holder) -> dict[str, str]:
    return {"name": holder.name, "number": holder.number}
