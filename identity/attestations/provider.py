"""The staff's check as evidence of presence: two officials attested the same person, each alone."""

from __future__ import annotations

from sqlalchemy import select

from app import audit
from app.db import session
from app.presence.ports import Evidence, Judgement
from identity.attestations import service
from identity.parties.models import Person


class StaffProvider:
    """Judges by what officials attested; the terminal only names whom."""

    needs_capture = False

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the attested person; `retry` while a second official is missing."""
        number = evidence.claim.get("resident_id", "")
        officials = service.use(terminal=evidence.terminal, purpose=evidence.purpose, resident_id=number)
        if not officials:
            return Judgement(decision="retry", reason="attestation_missing")
        party = session().scalar(
            select(Person.id).where(Person.resident_id_index == service.index_of(number), Person.state == "active")
        )
        if party is None:
            return Judgement(decision="not_matched", reason="not_matched")
        audit.record(
            "identity.presence-by-staff", subject=party, object=evidence.session, purpose=evidence.purpose,
            details={"officials": list(officials)},
        )  # fmt: skip
        return Judgement(decision="matched", reason="matched", party=party, level="staff")
